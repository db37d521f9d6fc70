"""Power cuts and kills under image operations: nothing acknowledged may be lost, nothing torn.

    PYTHONPATH=src:. python -m tests.campaign.power_cuts --cuts 200 --kills 200

The engine's data is on an ext4 image (mounted noauto_da_alloc,commit=5: few bytes reach the disk by
themselves) that lies on a btrfs. While pulls, loads, commits, tags, removals and prunes go on, a
reflink of the image file is what a power cut would leave: all that was written, without the page
cache. Each is mounted later, an engine started on it, and asked:

    lost     an operation was acknowledged before the cut, and its effect is not there
    torn     an image is there, and a byte of it is wrong or missing (`fsck`)
    leaked   after every image is removed and the rest is collected, bytes are left

A kill is SIGKILL at any moment, and the same questions to the next engine. Needs root, btrfs-progs,
e2fsprogs, docker-registry and loop devices.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import http.client
import io
import itertools
import json
import os
import random
import shutil
import subprocess
import sys
import tarfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tests.e2e.conftest import Engine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LOST = (OSError, http.client.HTTPException, AssertionError, ValueError, KeyError, TypeError)
REGISTRY = "127.0.0.1:5000"
IMAGES = 5  # in the registry and as archives
DISK_MIB, OUTER_MIB = 256, 6000
MOUNT_OPTIONS = "loop,noauto_da_alloc,commit=5"
COLLECTABLE_S = 10.5  # gc.FRESH_S, and a little
ANY = "any image"  # what a commit makes is known when it is acknowledged only

State = str | None  # the image's ID, or None when the name is not there


class Dead(Exception):
    """An engine does not start on what a cut has left."""


class Change(NamedTuple):
    """One operation on a name: when it began, when it was acknowledged (0: never), what it made."""

    name: str
    result: State
    begun: float
    acknowledged: float


class Ledger:
    """Every change, in order; one thread writes, others read."""

    def __init__(self) -> None:
        self._changes: list[Change] = []

    def reset(self, held: dict[str, State]) -> None:
        """Begin anew, with what is known to be there."""
        self._changes = [Change(name, state, 0.0, 0.0001) for name, state in held.items()]

    @contextlib.contextmanager
    def change(self, names: list[str], result: State) -> Iterator[list[State]]:
        """An operation; what is put into the list is what it made after all."""
        begun, made = time.monotonic(), [result]
        first = len(self._changes)
        self._changes += [Change(name, result, begun, 0.0) for name in names]
        yield made
        now = time.monotonic()
        for position in range(first, first + len(names)):
            old = self._changes[position]
            self._changes[position] = old._replace(result=made[0], acknowledged=now)

    def allowed(self, before: float, after: float) -> dict[str, set[State]]:
        """What each name may be after a cut somewhere between the two moments."""
        found: dict[str, set[State]] = {}
        for change in list(self._changes):
            if change.begun > after:
                break
            states = found.setdefault(change.name, {None})
            if change.acknowledged and change.acknowledged < before:
                states.clear()
            states.add(change.result)
        return found


class Life(threading.Thread):
    """Image operations without end, until stopped or the engine is gone."""

    def __init__(self, engine: Engine, ledger: Ledger, ids: list[str], choice: random.Random):
        super().__init__(daemon=True)
        self._engine, self._ledger, self._ids, self._choice = engine, ledger, ids, choice
        self._numbers = itertools.count()
        self.stopping = False
        self.done = 0

    def run(self) -> None:
        steps: list[Callable[[int], None]] = [
            self._pull, self._pull, self._load, self._load, self._commit, self._tag, self._remove,
            self._prune,
        ]  # fmt: skip
        while not self.stopping:
            try:
                self._choice.choice(steps)(self._choice.randrange(IMAGES))
                self.done += 1
            except LOST:
                if not self._engine.is_alive():
                    return

    def _pull(self, number: int) -> None:
        name = f"{REGISTRY}/cut:{number}"
        with self._ledger.change([name], self._ids[number]):
            _stream(self._engine, f"/images/create?fromImage={REGISTRY}/cut&tag={number}")

    def _load(self, number: int) -> None:
        with self._ledger.change([f"loaded:{number}"], self._ids[number]):
            _stream(self._engine, "/images/load", archive(number, f"loaded:{number}"))

    def _commit(self, number: int) -> None:
        source = f"loaded:{number}"
        status, body = self._engine.call(
            "POST", "/containers/create", {"Image": source, "Cmd": ["x"]}
        )
        if status != 201:
            return
        container = json.loads(body)["Id"]
        content = random.Random(next(self._numbers)).randbytes(50_000)
        self._engine.exchange(
            "PUT", f"/containers/{container}/archive?path=/", _tar({"n": content})
        )
        with self._ledger.change([f"committed:{number}"], ANY) as made:
            path = f"/commit?container={container}&repo=committed&tag={number}"
            made[0] = self._engine.post(path)["Id"]
        self._engine.call("DELETE", f"/containers/{container}")

    def _tag(self, number: int) -> None:
        source = f"loaded:{number}"
        status, body = self._engine.call("GET", f"/images/{source}/json")
        if status == 200:
            with self._ledger.change([f"tagged:{number}"], json.loads(body)["Id"]):
                self._engine.post(f"/images/{source}/tag?repo=tagged&tag={number}")

    def _remove(self, number: int) -> None:
        kind = self._choice.choice(["loaded", "tagged", "committed", f"{REGISTRY}/cut"])
        name = f"{kind}:{number}"
        with self._ledger.change([name], None):
            status, body = self._engine.call("DELETE", f"/images/{name}")
            if status not in (200, 404):
                raise ValueError(body)

    def _prune(self, _: int) -> None:
        if self._choice.random() < 0.7:
            return
        names = list(everything(self._engine))
        with self._ledger.change(names, None):
            self._engine.post('/images/prune?filters={"dangling":["false"]}')


def everything(engine: Engine) -> dict[str, str]:
    """Every name that the engine has, and the image's ID."""
    rows = engine.get("/images/json")
    return {tag: row["Id"] for row in rows for tag in row["RepoTags"] or ()}


def _stream(engine: Engine, path: str, body: bytes | None = None) -> None:
    """A request that answers with progress; raises what it tells of."""
    status, _, answer = engine.exchange("POST", path, body)
    if status != 200 or b'"errorDetail"' in answer:
        raise ValueError(answer[-300:])


def _tar(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive_:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive_.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


def archive(number: int, tag: str) -> bytes:
    """A docker archive of two layers, the lower one shared by all numbers."""
    noise = random.Random(number)
    layers = [
        _tar({f"shared/{n}": random.Random(n).randbytes(40_000) for n in range(8)}),
        _tar({f"own/{n}": noise.randbytes(30_000) for n in range(8)}),
    ]
    digests = [f"sha256:{hashlib.sha256(layer).hexdigest()}" for layer in layers]
    rootfs = {"type": "layers", "diff_ids": digests}
    config = json.dumps({"architecture": "amd64", "os": "linux", "rootfs": rootfs}).encode()
    names = ["0/layer.tar", "1/layer.tar"]
    manifest = [{"Config": "config.json", "RepoTags": [tag], "Layers": names}]
    files = {"config.json": config, **dict(zip(names, layers, strict=True))}
    return _tar(files | {"manifest.json": json.dumps(manifest).encode()})


class Bench:
    """The disk, the registry, and what was found."""

    def __init__(self, work: Path) -> None:
        self._work = work
        self._outer = work / "outer"
        self._outer.mkdir()
        self._undo = contextlib.ExitStack()
        _run("truncate", "-s", f"{OUTER_MIB}M", f"{work}/outer.img")
        _run("mkfs.btrfs", "-q", f"{work}/outer.img")
        self._mount("loop", f"{work}/outer.img", self._outer)
        self.disk = self._outer / "disk.img"
        _run("truncate", "-s", f"{DISK_MIB}M", str(self.disk))
        _run("mkfs.ext4", "-q", str(self.disk))
        self.lost: list[str] = []
        self.torn: list[str] = []
        self.leaked: list[str] = []
        self.looks = 0

    def close(self) -> None:
        self._undo.close()

    def _mount(self, options: str, source: str, target: Path) -> None:
        _run("mount", "-o", options, source, str(target))
        self._undo.callback(_run, "umount", str(target))

    @contextlib.contextmanager
    def engine(self, disk: Path) -> Iterator[Engine]:
        """An engine whose data is on that disk; what it leaves on the host is an error."""
        engine = Engine()
        data = Path(engine.directory) / "data"
        data.mkdir()
        _run("mount", "-o", MOUNT_OPTIONS, str(disk), str(data))
        try:
            try:
                engine.start()
            except AssertionError as error:  # it has ended, and says why
                raise Dead(str(error).strip()[-300:]) from error
            try:
                yield engine
            finally:
                engine.close(keep=True)
        finally:
            _run("umount", str(data))
            shutil.rmtree(engine.directory)

    def cut(self, number: int) -> tuple[Path, float, float]:
        """What a power cut leaves now, and between which moments it was."""
        snapshot = self._outer / f"cut.{number}"
        before = time.monotonic()
        _run("cp", "--reflink=always", str(self.disk), str(snapshot))
        return snapshot, before, time.monotonic()

    def look(self, engine: Engine, allowed: dict[str, set[State]], when: str) -> dict[str, str]:
        """Compare an engine that has just started with what may be there; returns what is."""
        self.looks += 1
        there = everything(engine)
        for name, states in allowed.items():
            state = there.get(name)
            if state not in states and not (state and ANY in states):
                self.lost.append(f"{when}: {name} is {state}, and may be {states}")
        findings = engine.post("/lading/images/fsck")["findings"]
        self.torn += [f"{when}: {row}" for row in findings if row["kind"] != "unused blob"]
        return there

    def empty(self, engine: Engine, when: str) -> None:
        """Remove everything and collect: no byte of an image may be left."""
        engine.remove_everything()
        time.sleep(COLLECTABLE_S)
        engine.post('/images/prune?filters={"dangling":["false"]}')
        data = Path(engine.directory) / "data"
        left = [path for path in (data / "content").rglob("*") if path.is_file()]
        for folder in ("layers", "active", "staging", "trash"):
            left += (data / "snapshots" / folder).iterdir()
        self.leaked += [f"{when}: {path.relative_to(data)}" for path in left]


def _run(*words: str) -> None:
    subprocess.run(words, check=True, stdin=subprocess.DEVNULL, capture_output=True)


@contextlib.contextmanager
def registry(engine: Engine, work: Path) -> Iterator[list[str]]:
    """A registry beside the engine with every image; yields the images' IDs."""
    config = work / "registry.json"
    storage = {"filesystem": {"rootdirectory": str(work / "registry")}}
    log = {"level": "error", "accesslog": {"disabled": True}}
    document = {"version": 0.1, "log": log, "storage": storage, "http": {"addr": REGISTRY}}
    config.write_text(json.dumps(document))
    quiet = ["sh", "-c", 'exec "$@" >/dev/null 2>&1', "sh"]
    process = engine.beside(*quiet, "docker-registry", "serve", str(config))
    try:
        time.sleep(1)
        ids = []
        for number in range(IMAGES):
            name = f"{REGISTRY}/cut:{number}"
            _stream(engine, "/images/load", archive(number, name))
            ids.append(engine.get(f"/images/{name}/json")["Id"])
            _stream(engine, f"/images/{REGISTRY}/cut/push?tag={number}")
            engine.call("DELETE", f"/images/{name}")
        yield ids
    finally:
        process.kill()
        process.wait()


def power_cuts(bench: Bench, work: Path, options: argparse.Namespace) -> int:
    """Cut, then look at every disk that was left; returns how many operations went on meanwhile."""
    choice, ledger = random.Random(options.seed), Ledger()
    found = []
    with bench.engine(bench.disk) as engine, registry(engine, work) as ids:
        ledger.reset({})
        life = Life(engine, ledger, ids, choice)
        life.start()
        for number in range(options.cuts):
            time.sleep(choice.uniform(0.0, 0.3))
            snapshot, before, after = bench.cut(number)
            found.append((snapshot, ledger.allowed(before, after)))
        life.stopping = True
        life.join()
        bench.empty(engine, "the disk itself")
    for number, (snapshot, allowed) in enumerate(found):
        try:
            with bench.engine(snapshot) as engine:
                bench.look(engine, allowed, snapshot.name)
                if number % options.empty_every == 0:
                    bench.empty(engine, snapshot.name)
        except Dead as error:
            bench.lost.append(f"{snapshot.name}: the engine does not start: {error}")
        snapshot.unlink()
    return life.done


def kills(bench: Bench, work: Path, options: argparse.Namespace) -> int:
    """Kill, start again, look, go on; returns how many operations went on meanwhile."""
    choice, ledger, done = random.Random(options.seed), Ledger(), 0
    with bench.engine(bench.disk) as engine, registry(engine, work) as ids:
        for number in range(options.kills):
            ledger.reset(dict(everything(engine)))
            life = Life(engine, ledger, ids, choice)
            life.start()
            time.sleep(choice.uniform(0.0, 0.6))
            before = time.monotonic()
            engine.kill9()
            after = time.monotonic()
            life.join()
            done += life.done
            engine.revive()
            bench.look(engine, ledger.allowed(before, after), f"kill {number}")
            engine.remove_everything()  # a prune leaves what a container stands on
        bench.empty(engine, "after the kills")
    return done


def main() -> int:
    """The exit code: 1 if anything was lost, torn or leaked."""
    parser = argparse.ArgumentParser(description="cut the power under image operations")
    parser.add_argument("--cuts", type=int, default=50)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--empty-every", type=int, default=10, help="cuts that are emptied, too")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    work = Path(f"/tmp/lading-power-{os.getpid()}")
    work.mkdir()
    begun = time.monotonic()
    bench = Bench(work)
    try:
        cut = power_cuts(bench, work, options) if options.cuts else 0
        shutil.rmtree(work / "registry", ignore_errors=True)
        killed = kills(bench, work, options) if options.kills else 0
    finally:
        bench.close()
        shutil.rmtree(work)
    for title, rows in (("LOST", bench.lost), ("TORN", bench.torn), ("LEAKED", bench.leaked)):
        for row in rows[:20]:
            print(f"{title} {row}")
    print(
        f"{options.cuts} power cuts in {cut} operations, {options.kills} kills in {killed}: "
        f"{len(bench.lost)} lost, {len(bench.torn)} torn, {len(bench.leaked)} leaked, "
        f"{(time.monotonic() - begun) / 60:.1f} minutes"
    )
    return 1 if bench.lost or bench.torn or bench.leaked else 0


if __name__ == "__main__":
    sys.exit(main())
