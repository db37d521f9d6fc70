"""The API on a unix socket, before an engine that lives in memory."""

import asyncio
import base64
import contextlib
import http.client
import json
import socket
import threading
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from lading.api import ROUTES, Router
from lading.api.backend import Filters
from lading.errors import Conflict, NotFound
from lading.events import Event
from lading.http import Server, UnixListener, serve
from lading.state import Database, Journal, journal
from lading.version import API_VERSION, MIN_API_VERSION, VERSION
from lading.wire.auth import AuthConfig, AuthResult
from lading.wire.containers import (
    ZERO_TIME,
    ContainerConfig,
    ContainerCreate,
    ContainerCreated,
    ContainerInspect,
    ContainerSummary,
    ContainerUpdate,
    ContainerUpdated,
    FilesystemChange,
    PathStat,
    State,
    WaitResult,
)
from lading.wire.exec import ExecConfig, ExecInspect, ExecProcess, ExecStart
from lading.wire.host_config import HostConfig
from lading.wire.images import (
    DistributionInspect,
    ImageConfigView,
    ImageExploration,
    ImageInspect,
    ImagesPruned,
    ImageSummary,
    ImageUsage,
    RegistryManifest,
    SearchResult,
)
from lading.wire.networks import (
    IPAM,
    EndpointSettings,
    IPAMStatus,
    NetworkConnect,
    NetworkCreate,
    NetworkCreated,
    NetworkDisconnect,
    NetworkInspect,
    NetworkSettings,
    NetworksPruned,
    NetworkStatus,
)
from lading.wire.system import (
    ComponentVersion,
    DiskUsage,
    Info,
    PlatformName,
    Plugins,
    Version,
)
from lading.wire.volumes import Volume, VolumeCreate, VolumeList, VolumesPruned

ID = "ab" * 32


A_NETWORK = NetworkInspect(
    name="web",
    id="n1",
    created=ZERO_TIME,
    ipam=IPAM(driver="default"),
    containers={},
    options={},
    labels={},
    status=NetworkStatus(ipam=IPAMStatus(subnets={})),
)


class FakeAttachment:
    """A process that gives back what it is given, in capitals, and ends with its input."""

    def __init__(self, *, tty: bool = False, said: tuple[tuple[int, bytes], ...] = ()) -> None:
        self.tty = tty
        self.calls: list[Any] = []
        self._output: asyncio.Queue[tuple[int, bytes] | None] = asyncio.Queue()
        for record in said:
            self._output.put_nowait(record)

    async def output(self) -> AsyncIterator[tuple[int, bytes]]:
        while record := await self._output.get():
            yield record

    async def write(self, data: bytes) -> None:
        self.calls.append(data)
        self._output.put_nowait((1, data.upper()))
        if data.endswith((b"exit\n", b"exit\r")):
            self._output.put_nowait(None)

    async def write_eof(self) -> None:
        self.calls.append("eof")
        self._output.put_nowait((2, b"bye"))
        self._output.put_nowait(None)

    async def close(self) -> None:
        self.calls.append("close")

    def detached(self) -> None:
        self.calls.append("detached")

    def end(self) -> None:
        self._output.put_nowait(None)


class FakeLogs:
    def __init__(self, *records: tuple[int, bytes], tty: bool = False, follow: bool = False):
        self.tty = tty
        self._records = records
        self._follow = follow

    async def __aiter__(self) -> AsyncIterator[list[tuple[int, bytes]]]:
        for record in self._records:
            yield [record]
        if self._follow:
            await asyncio.Event().wait()


class FakeContainers:
    """Remembers every call; one container `web` that runs."""

    def __init__(self) -> None:
        self.calls: list[Any] = []
        self.attachment = FakeAttachment()
        self.logs_given: Any = FakeLogs((1, b"out\n"), (2, b"err\n"))
        self.exit: asyncio.Future[WaitResult] | None = None
        self.exited_with: int | None = None
        self.exec = ExecConfig(cmd=["cat"], attach_stdin=True, attach_stdout=True)
        self.failure: Exception | None = None
        self.gate: asyncio.Event | None = None

    async def _did(self, *call: Any) -> None:
        self.calls.append(call)
        if self.gate:
            await self.gate.wait()
            self.calls.append("finished")
        if self.failure:
            raise self.failure

    def __getattr__(self, name: str) -> Any:
        """The verbs that only do something: start, stop, kill, ..."""

        async def verb(ref: str, *arguments: Any, **options: Any) -> None:
            await self._did(name, ref, *arguments, options)

        return verb

    async def create(
        self, request: ContainerCreate, *, name: str | None, platform: str | None
    ) -> ContainerCreated:
        await self._did("create", request, {"name": name, "platform": platform})
        return ContainerCreated(id=ID)

    async def inspect(self, ref: str, *, size: bool) -> ContainerInspect:
        if ref == "nosuch":
            raise NotFound(f"No such container: {ref}")
        return ContainerInspect(
            id=ID,
            created="2026-01-01T00:00:00Z",
            path="cat",
            args=[],
            name="/web",
            image="sha256:" + "cd" * 32,
            state=State(status="running", running=True, pid=42),
            config=ContainerConfig(
                image="busybox", tty=self.attachment.tty, open_stdin=True, attach_stdin=True
            ),
            host_config=HostConfig(annotations={"a": "b"}),
            network_settings=NetworkSettings(
                networks={"bridge": EndpointSettings(dns_names=["web"])}
            ),
        )

    async def list(self, **options: Any) -> list[ContainerSummary]:
        self.calls.append(("list", options))
        return [
            ContainerSummary(
                id=ID,
                names=["/web"],
                image="busybox",
                image_id="sha256:" + "cd" * 32,
                command="cat",
                created=1_700_000_000,
                state="running",
                status="Up 3 minutes",
            )
        ]

    def wait(self, ref: str, condition: str) -> "asyncio.Future[WaitResult]":
        self.calls.append(("wait", ref, condition))
        self.exit = asyncio.get_running_loop().create_future()
        if self.exited_with is not None:
            self.exit.set_result(WaitResult(status_code=self.exited_with))
        return self.exit

    def logs(self, ref: str, **options: Any) -> Any:
        self.calls.append(("logs", ref, options))
        return self.logs_given

    async def attach(self, ref: str, **options: Any) -> FakeAttachment:
        self.calls.append(("attach", ref, options))
        if ref == "paused":
            raise Conflict("container paused is paused, unpause the container before attach")
        return self.attachment

    async def read_archive(self, ref: str, path: str) -> tuple[PathStat, AsyncIterable[bytes]]:
        await self._did("read_archive", ref, path)
        found = PathStat(name="f", size=3, mode=0o644, mtime="2026-01-01T00:00:00Z", link_target="")

        async def chunks() -> AsyncIterator[bytes]:
            yield b"tar"

        return found, chunks()

    async def path_stat(self, ref: str, path: str) -> PathStat:
        return (await self.read_archive(ref, path))[0]

    async def write_archive(
        self, ref: str, path: str, chunks: AsyncIterable[bytes], **options: Any
    ) -> None:
        received = b"".join([chunk async for chunk in chunks])
        await self._did("write_archive", ref, path, received, options)

    async def update(self, ref: str, asked: ContainerUpdate) -> ContainerUpdated:
        await self._did("update", ref, asked)
        return ContainerUpdated(warnings=None)

    async def changes(self, ref: str) -> Sequence[FilesystemChange]:
        return []

    async def exec_create(self, ref: str, config: ExecConfig) -> str:
        self.exec = config
        return "ef" * 32

    def exec_inspect(self, exec_id: str) -> ExecInspect:
        if exec_id == "nosuch":
            raise NotFound("No such exec instance: nosuch")
        return ExecInspect(
            id=exec_id,
            running=False,
            exit_code=3,
            process_config=ExecProcess(tty=self.exec.tty, entrypoint="cat", arguments=[]),
            open_stdin=self.exec.attach_stdin,
            container_id=ID,
            detach_keys=base64.b64encode(self.exec.detach_keys.encode()).decode(),
        )

    async def exec_start(self, exec_id: str, start: ExecStart) -> FakeAttachment | None:
        await self._did("exec_start", exec_id, start)
        return None if start.detach else self.attachment


class FakeNetworks:
    def __init__(self) -> None:
        self.calls: list[Any] = []
        self.failure: Exception | None = None

    def _note(self, *call: Any) -> None:
        self.calls.append(call)
        if self.failure:
            raise self.failure

    async def create(self, asked: NetworkCreate) -> NetworkCreated:
        self._note("create", asked)
        return NetworkCreated(id="n1")

    async def list(self, filters: dict[str, list[str]]) -> list[NetworkInspect]:
        self._note("list", filters)
        return [A_NETWORK]

    async def inspect(self, ref: str, *, scope: str) -> NetworkInspect:
        self._note("inspect", ref, scope)
        return A_NETWORK

    async def remove(self, ref: str) -> None:
        self._note("remove", ref)

    async def connect(self, ref: str, asked: NetworkConnect) -> None:
        self._note("connect", ref, asked)

    async def disconnect(self, ref: str, asked: NetworkDisconnect) -> None:
        self._note("disconnect", ref, asked)

    async def prune(self, filters: Filters) -> NetworksPruned:
        self._note("prune", filters)
        return NetworksPruned(networks_deleted=["old"])


_USAGE = ImageUsage(
    id="sha256:1",
    repo_tags=["a:1"],
    size=5,
    shared_size=2,
    unique_size=3,
    blob_size=4,
    containers=1,
    added=10,
    last_used=20,
)


class FakeImages:
    def __init__(self) -> None:
        self.calls: list[Any] = []
        self.messages: list[dict[str, object]] = []
        self.failure: Exception | None = None

    async def pull(
        self, reference: str, *, platform: str | None, progress: Any, auth: AuthConfig
    ) -> None:
        self.auth = auth
        self.calls.append(("pull", reference, platform))
        for message in self.messages:
            progress(message)
        if self.failure:
            raise self.failure

    async def push(self, name: str, **options: Any) -> None:
        self.auth = options["auth"]
        self.calls.append(("push", name, options["tag"], options["platform"]))
        options["progress"]({"status": "pushed"})

    async def load(self, chunks: AsyncIterable[bytes], **options: Any) -> None:
        received = b"".join([chunk async for chunk in chunks])
        self.calls.append(("load", options["quiet"], options["platforms"]))
        if self.failure:
            raise self.failure
        options["progress"]({"stream": f"Loaded image: {received.decode()}\n"})

    async def save(self, names: Sequence[str], *, platforms: Sequence[str]) -> Any:
        self.calls.append(("save", names, platforms))

        async def pieces() -> AsyncIterator[bytes]:
            yield b"tar "
            yield b"ball"

        return pieces()

    async def import_(self, chunks: AsyncIterable[bytes], **options: Any) -> None:
        received = b"".join([chunk async for chunk in chunks])
        progress = options.pop("progress")
        self.calls.append(("import", received, options))
        progress({"status": "sha256:1"})

    async def inspect(self, ref: str, *, manifests: bool, platform: str | None) -> ImageInspect:
        config = ImageConfigView(cmd=["sh"])
        return ImageInspect(id=ref, size=7, descriptor={"size": 1}, config=config)

    async def history(self, ref: str, *, platform: str | None) -> list[Any]:
        return []

    async def prune(self, *, filters: Any, dry_run: bool) -> ImagesPruned:
        self.calls.append(("prune", filters, dry_run))
        return ImagesPruned(space_reclaimed=7)

    async def copy(self, source: str, target: str, **options: Any) -> None:
        self.calls.append(("copy", source, target, options["platform"]))
        self.auths = options["auths"]
        options["progress"]({"status": "copied"})

    async def fetch_archive(self, source: str, **options: Any) -> Any:
        return await self.save([source], platforms=[])

    async def explore(self, ref: str, **options: Any) -> ImageExploration:
        self.calls.append(("explore", ref, options["platform"], options["with_files"]))
        return ImageExploration(layers=[], size=9, wasted=1, waste=[])

    async def usage(self) -> list[ImageUsage]:
        return [_USAGE]

    async def manifest(self, name: str, **options: Any) -> RegistryManifest:
        self.calls.append(("manifest", name, options["deep"], options["insecure"]))
        return RegistryManifest(ref=name, descriptor={"size": 2}, raw=b"{}")

    async def push_list(self, target: str, entries: Sequence[Any], **options: Any) -> None:
        self.calls.append(("push_list", target, [entry.ref for entry in entries]))
        options["progress"]({"aux": {"Digest": "sha256:1"}})

    async def fsck(self, *, repair: bool) -> list[Any]:
        self.calls.append(("fsck", repair))
        return []

    async def login(self, auth: AuthConfig) -> AuthResult:
        self.auth = auth
        return AuthResult("Login Succeeded", "token")

    async def distribution(self, name: str, *, auth: AuthConfig) -> DistributionInspect:
        return DistributionInspect(descriptor={"digest": name})

    async def search(self, term: str, **options: Any) -> list[SearchResult]:
        self.calls.append(("search", term, options["limit"], options["filters"]))
        return [SearchResult(name=term)]

    async def remove(self, ref: str, *, force: bool, prune: bool) -> list[dict[str, str]]:
        self.calls.append(("remove", ref, force, prune))
        return [{"Untagged": ref}]

    async def tag(self, ref: str, repo: str, tag: str) -> None:
        self.calls.append(("tag", ref, repo, tag))

    async def from_host(self, tag: str, tools: Sequence[str] | None, progress: Any) -> None:
        self.calls.append(("from_host", tag, tools))
        progress({"stream": f"Created image: {tag}\n"})

    async def list(self, **options: Any) -> list[ImageSummary]:
        self.calls.append(("list", options))
        return [ImageSummary(id="sha256:1", created=1, size=7, repo_tags=["busybox:latest"])]


class FakeSystem:
    def version(self) -> Version:
        details = {"ApiVersion": API_VERSION, "MinAPIVersion": MIN_API_VERSION}
        return Version(
            platform=PlatformName(name="Lading"),
            components=[ComponentVersion(name="Engine", version=VERSION, details=details)],
            version=VERSION,
            api_version=API_VERSION,
            min_api_version=MIN_API_VERSION,
            arch="amd64",
        )

    def info(self) -> Info:
        return Info(id="engine", containers=1, name="host", plugins=Plugins(log=["json-file"]))


class FakeUsage:
    async def disk_usage(self, kinds: Sequence[str]) -> DiskUsage:
        image = ImageSummary(id="sha256:1", created=1, size=7)
        return DiskUsage(layers_size=7, images=[image] if "image" in kinds or not kinds else None)


class Finding(NamedTuple):
    kind: str
    name: str
    detail: str


class FakeVolumes:
    """Remembers what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[object] = []

    async def list(self, asked: Filters) -> VolumeList:
        self.asked.append(asked)
        return VolumeList(volumes=[])

    async def inspect(self, name: str) -> Volume:
        return Volume(name=name)

    async def create(self, asked: VolumeCreate) -> Volume:
        self.asked.append(asked)
        return Volume(name=asked.name)

    async def remove(self, name: str, *, force: bool) -> None:
        self.asked.append((name, force))

    async def prune(self, asked: Filters, *, is_narrow: bool) -> VolumesPruned:
        self.asked.append((asked, is_narrow))
        return VolumesPruned(volumes_deleted=[])


class FakeCopies:
    """Remembers what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[object] = []

    async def export(self, name: str, *, freezes: bool) -> AsyncIterator[bytes]:
        self.asked.append((name, freezes))
        return _bytes(b"archive")

    async def import_(self, name: str, chunks: AsyncIterable[bytes]) -> Volume:
        self.asked.append((name, b"".join([chunk async for chunk in chunks])))
        return Volume(name=name)

    async def clone(self, name: str, to: str, *, freezes: bool, is_snapshot: bool) -> Volume:
        self.asked.append((name, to, freezes, is_snapshot))
        return Volume(name=to)

    async def rename(self, name: str, to: str) -> Volume:
        self.asked.append((name, to))
        return Volume(name=to)

    async def path_stat(self, name: str, path: str) -> PathStat:
        return PathStat(name=path, size=1, mode=0, mtime="", link_target="")

    async def read_archive(self, name: str, path: str) -> tuple[PathStat, AsyncIterator[bytes]]:
        return await self.path_stat(name, path), _bytes(b"archive")

    async def write_archive(self, name: str, path: str, chunks: AsyncIterable[bytes]) -> None:
        self.asked.append((name, path, b"".join([chunk async for chunk in chunks])))


class FakeBackups:
    """Remembers what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[object] = []

    async def create(self, ref: str, *, freezes: bool) -> AsyncIterator[bytes]:
        self.asked.append((ref, freezes))
        return _bytes(b"backup")

    async def restore(
        self, chunks: AsyncIterable[bytes], *, name: str | None, renamed: Mapping[str, str]
    ) -> dict[str, object]:
        self.asked.append((name, dict(renamed), b"".join([chunk async for chunk in chunks])))
        return {"Id": "1"}

    async def verify(self, chunks: AsyncIterable[bytes]) -> dict[str, object]:
        return {"Members": len([chunk async for chunk in chunks])}


async def _bytes(data: bytes) -> AsyncIterator[bytes]:
    yield data


class FakeBackend:
    def __init__(self, path: str) -> None:
        self.database = Database(path, [journal.SCHEMA])
        self.journal = Journal(self.database)
        self.containers = FakeContainers()
        self.images = FakeImages()
        self.network_verbs = FakeNetworks()
        self.volumes = FakeVolumes()
        self.volume_copies = FakeCopies()
        self.backups = FakeBackups()
        self.system = FakeSystem()
        self.usage = FakeUsage()
        self.findings: list[Finding] = []

    finding = Finding

    def check(self) -> list[Finding]:
        return self.findings

    async def repair(self) -> list[Finding]:
        return self.findings[1:]

    async def publish(self, *events: Event) -> None:
        for event in events:
            await self.database.write(partial(lambda e, c: journal.append(c, e), event))
        self.journal.wake()


class Api:
    """The running API, and a client of it."""

    def __init__(self, path: str, loop: asyncio.AbstractEventLoop) -> None:
        self.path = path
        self.loop = loop
        self.backend: FakeBackend
        self.router: Router
        self.server: Server
        self.opened: list[socket.socket] = []

    def call(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(15)

    def connect(self) -> socket.socket:
        connected = socket.socket(socket.AF_UNIX)
        connected.settimeout(10)
        connected.connect(self.path)
        self.opened.append(connected)
        return connected

    def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        headers: dict[str, str] | None = None,
    ) -> tuple[http.client.HTTPResponse, Any]:
        """The answer and its body: decoded if it is one JSON document, else bytes."""
        connection = http.client.HTTPConnection("d")
        connection.sock = self.connect()
        content = None if body is None else json.dumps(body).encode()
        all_headers = {"Content-Type": "application/json"} if content else {}
        connection.request(method, path, content, all_headers | (headers or {}))
        response = connection.getresponse()
        data = response.read()
        connection.close()
        with contextlib.suppress(ValueError):
            return response, json.loads(data)
        return response, data

    def hijack(self, path: str, body: bytes = b"", *, upgrade: bool = True) -> socket.socket:
        """A connection on which the head of a hijack has just been sent."""
        connected = self.connect()
        asked = b"Connection: Upgrade\r\nUpgrade: tcp\r\n" if upgrade else b""
        head = b"POST %s HTTP/1.1\r\nHost: d\r\n%sContent-Type: application/json\r\n"
        length = b"Content-Length: %d\r\n\r\n" % len(body)
        connected.sendall(head % (path.encode(), asked) + length + body)
        return connected


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    api = Api(str(tmp_path / "api.sock"), loop)

    async def start() -> None:
        api.backend = FakeBackend(str(tmp_path / "state.db"))
        api.router = Router(api.backend, ROUTES)
        api.server = await serve(api.router, [UnixListener(api.path)])

    api.call(start())
    yield api
    for connected in api.opened:
        connected.close()
    api.call(api.server.aclose(grace_s=0))
    api.call(api.router.aclose())
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()
    api.backend.database.close()


@pytest.fixture
def wait_until() -> Callable[[Callable[[], object]], None]:
    def wait(condition: Callable[[], object]) -> None:
        for _ in range(3000):
            if condition():
                return
            threading.Event().wait(0.01)
        raise AssertionError("waited in vain")

    return wait
