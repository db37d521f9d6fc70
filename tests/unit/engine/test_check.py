"""The audit names what has no owner and what an owner has lost, and is silent otherwise."""

import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest

from lading.containers.layout import Layout
from lading.containers.mountpoints.record import MountRecord
from lading.containers.security import Security
from lading.containers.userns import IdMap
from lading.engine.audit import containers as audit
from lading.engine.audit import storage
from lading.engine.check import Finding, check
from lading.images.leases import Leases as ImageLeases
from lading.kernel import mount
from lading.kernel.cgroup import Hierarchies
from lading.networks import Endpoint, Network
from lading.networks.ports import Published
from lading.storage.snapshots import store as snapshot_rows
from lading.volumes import Volume
from lading.volumes.directories import Directories
from lading.volumes.drivers.local_options import Owner
from lading.volumes.leases import Leases
from lading.volumes.locks import Locks

if TYPE_CHECKING:
    from lading.engine.engine import Engine

ID = "a" * 64
OTHER = "b" * 64


class Host:
    """An engine at rest with one running container, whose things a test can take away."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.pid = os.getpid()
        self.status_running = True
        self.damaged: dict[str, str] = {}
        self.rows = [ID]
        self.endpoint_owner = ID
        self.ids: IdMap | None = None
        self.layout = Layout(f"{root}/data", f"{root}/exec", "0")
        self.ports: list[Published] = []
        self.held: list[str] = []
        self.elements: list[tuple[str, str]] = []
        self.names: list[tuple[str, str]] = []
        for place in ("exec/containers", "data/containers", "data/snapshots/active", "cg/lading/0"):
            (root / place / ID).mkdir(parents=True)
        self.mounts: list[MountRecord] = []
        self.directories = Directories(f"{root}/data/volumes")
        self.directories.open(set())
        self.directories.make("data", Owner())
        self.leases = Leases(f"{root}/exec/volumes")
        self.leases.load()

    def check(self) -> list[Finding]:
        container = SimpleNamespace(
            id=ID,
            record=SimpleNamespace(
                name="web",
                mounts=self.mounts,
                state=SimpleNamespace(is_running=self.status_running, pid=self.pid),
                ids=self.ids,
            ),
        )
        endpoint = Endpoint("e1", "n1", "bridge", self.endpoint_owner, 1)
        engine = SimpleNamespace(
            containers=SimpleNamespace(all=lambda: [container], find=lambda _: container),
            damaged=self.damaged,
            options=SimpleNamespace(exec_root=f"{self.root}/exec", data_root=f"{self.root}/data"),
            layout=self.layout,
            engine_id="0",
            context=SimpleNamespace(security=Security("0")),
            database=SimpleNamespace(
                read=lambda query: self.rows if query is snapshot_rows.active_keys else []
            ),
            snapshots=SimpleNamespace(remove=id, sweep=id, recover=id, server=""),
            store=SimpleNamespace(stores=SimpleNamespace(leases=ImageLeases(), content=None)),
            volume_store=SimpleNamespace(
                damaged={},
                all=lambda: [Volume("data")],
                has=lambda name: name == "data",
                directories=self.directories,
                leases=self.leases,
                mounting=SimpleNamespace(give_back_soon=id),
                is_busy=False,
                locks=Locks(),
            ),
            networks=SimpleNamespace(
                release=id,
                list=lambda: [Network("n1", "bridge", "bridge", 1)],
                endpoints_of=lambda _: [endpoint],
                ports=SimpleNamespace(
                    containers=lambda: [port.container_id for port in self.ports],
                    of=lambda owner: [one for one in self.ports if one.container_id == owner],
                    held=lambda: self.held,
                    unpublish=id,
                    drop=id,
                    restore=id,
                ),
                nameserver=SimpleNamespace(differences=lambda: self.names, restore=id),
                check_firewall=lambda: self.elements,
                repair_firewall=id,
            ),
        )
        return check(cast("Engine", engine))

    def found(self) -> set[tuple[str, str]]:
        return {(finding.kind, finding.name) for finding in self.check()}


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    monkeypatch.setattr(audit, "hierarchies", lambda: Hierarchies({}, f"{tmp_path}/cg"))
    return Host(tmp_path)


def test_where_everything_fits_nothing_is_found(host: Host) -> None:
    assert host.check() == []


@pytest.mark.parametrize(
    ("place", "kind"),
    [
        ("exec/containers", "run directory"),
        ("data/containers", "directory"),
        ("data/snapshots/active", "snapshot"),
    ],
)
def test_what_nobody_owns_is_found(host: Host, place: str, kind: str) -> None:
    (host.root / place / OTHER).mkdir()
    assert host.found() == {(kind, OTHER)}


def test_a_container_with_other_ids_than_its_record_says_is_a_loss(host: Host) -> None:
    host.ids = IdMap([(0, 500_000, 65536)], [(0, 500_000, 65536)])
    [finding] = host.check()
    assert finding[:2] == ("ids", ID)


def test_a_cgroup_that_nobody_owns_is_found(host: Host) -> None:
    (host.root / "cg/lading/0" / OTHER).mkdir()
    assert host.found() == {("cgroup", f"{host.root}/cg/lading/0/{OTHER}")}


def test_below_a_shared_parent_only_our_own_groups_are_looked_at(host: Host) -> None:
    host.status_running = False
    for place in ("exec/containers", "data/snapshots/active"):
        (host.root / place / ID).rmdir()
    for name in (ID, OTHER):
        (host.root / "cg/shared" / name).mkdir(parents=True)
    host.layout = Layout(f"{host.root}/data", f"{host.root}/exec", "0", "/shared")
    found = {name for kind, name in host.found() if kind == "cgroup"}
    assert found == {f"{host.root}/cg/shared/{ID}"}


def test_a_cgroup_that_is_no_containers_is_left_out(host: Host) -> None:
    (host.root / "cg/lading/0/helper").mkdir()
    assert host.check() == []


@pytest.mark.parametrize(
    ("place", "kind"), [("exec/containers", "run directory"), ("data/snapshots/active", "snapshot")]
)
def test_what_its_owner_has_lost_is_found(host: Host, place: str, kind: str) -> None:
    (host.root / place / ID).rmdir()
    assert host.found() == {(kind, ID)}


def test_a_process_that_is_gone_is_found(host: Host) -> None:
    host.pid = 2**22 + 1  # greater than any pid, PID_MAX_LIMIT
    assert host.found() == {("process", str(host.pid))}


def test_an_address_of_nobody_who_runs_is_found(host: Host) -> None:
    host.endpoint_owner = OTHER
    assert host.found() == {("endpoint", "e1")}


def test_a_snapshot_recorded_for_nobody_is_found(host: Host) -> None:
    host.rows.append(OTHER)
    (host.root / "data/snapshots/active" / OTHER).mkdir()
    [found] = host.check()
    assert found[:3] == ("snapshot", OTHER, "of no container")


def test_a_damaged_record_is_found_and_keeps_what_it_names(host: Host) -> None:
    host.damaged[OTHER] = "record of web is damaged"
    host.rows.append(OTHER)
    for place in ("data/containers", "data/snapshots/active"):
        (host.root / place / OTHER).mkdir()
    assert host.check() == [Finding("record", OTHER, "record of web is damaged")]


def test_a_container_that_rests_has_no_run_left(host: Host) -> None:
    host.status_running = False
    assert {kind for kind, _ in host.found()} == {"run directory", "cgroup", "endpoint"}


@pytest.mark.parametrize("place", ["trash", "staging"])
def test_what_work_left_behind_is_found(
    host: Host, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "SWEEPING_S", -1.0)
    (host.root / "data/snapshots" / place / "left").mkdir(parents=True)
    assert host.found() == {("temporary file", f"{place}/left")}


def test_a_layer_without_a_row_is_found(host: Host) -> None:
    (host.root / "data/snapshots/layers/7").mkdir(parents=True)
    assert host.found() == {("layer", "7")}


def test_a_mount_in_the_hosts_view_is_found(
    host: Host, in_mount_namespace: Callable[[Callable[[], object]], None]
) -> None:
    point = f"{host.root}/data/containers/{ID}"

    def look() -> None:
        mount.mount("tmpfs", point, "tmpfs")
        [finding] = host.check()
        assert finding[:2] == ("mount", point)
        assert finding.mend is not None
        finding.mend()
        assert host.check() == []

    in_mount_namespace(look)


def test_what_is_wrong_with_published_ports_is_found(host: Host) -> None:
    lost, stale = (
        Published(owner, "tcp", 80, "0.0.0.0", 8080, "10.9.0.2", is_redirected=True)
        for owner in (ID, "f" * 64)
    )
    host.ports, host.held = [lost, stale], [stale.key, "x/tcp/0.0.0.0/1"]
    host.elements = [("ip published", "06")]
    host.names = [("name", "n1/c1")]
    assert host.found() == {
        ("published port", lost.key),
        ("published port", stale.key),
        ("held port", "x/tcp/0.0.0.0/1"),
        ("filter element", "ip published 06"),
        ("name", "n1/c1"),
    }


def test_a_volume_directory_of_no_volume_is_found_and_removed(host: Host) -> None:
    (host.root / "data/volumes/stray/_data").mkdir(parents=True)
    [finding] = host.check()
    assert finding[:2] == ("volume directory", "stray")
    assert finding.mend
    finding.mend()
    host.directories.sweep()
    assert host.check() == []


def test_a_volume_that_lost_its_directory_is_found(host: Host) -> None:
    host.directories.discard("data")
    host.directories.sweep()
    assert host.found() == {("volume", "data")}


def test_a_copy_into_a_volume_that_stopped_is_found_and_finished(host: Host) -> None:
    filled = host.root / "data/volumes/data/filled"
    filled.mkdir()
    (filled / "file").write_text("kept")
    [finding] = host.check()
    assert finding[:2] == ("volume", "data")
    assert finding.mend
    finding.mend()
    assert (host.root / "data/volumes/data/_data/file").read_text() == "kept"
    assert host.check() == []


def test_a_volume_that_a_container_misses_is_found(host: Host) -> None:
    host.mounts.append(MountRecord("volume", "/data", name="gone"))
    assert host.found() == {("volume", "gone")}


def test_a_lease_of_no_running_container_is_found(host: Host) -> None:
    lease = host.leases.add(OTHER, ["data"])
    assert host.found() == {("volume lease", lease.user)}
    host.leases.forget(lease)
    assert host.found() == {("volume lease", lease.user)}
    host.leases.drop(lease)
    assert host.check() == []


def test_a_mount_on_a_volume_that_nobody_uses_is_found(
    host: Host, in_mount_namespace: Callable[[Callable[[], object]], None]
) -> None:
    path = host.directories.path("data")

    def look() -> None:
        mount.mount("tmpfs", path, "tmpfs")
        assert host.found() == {("mount", path)}
        lease = host.leases.add(ID, ["data"])
        assert host.check() == []
        host.leases.drop(lease)

    in_mount_namespace(look)
