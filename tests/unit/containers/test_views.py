"""Containers as Docker shows them, and which of them `ps` shows."""

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import TypeVar, cast

import pytest
from msgspec import UNSET

from lading.containers import views
from lading.containers.container import Container
from lading.containers.context import Context
from lading.containers.layout import Layout
from lading.containers.mountpoints.record import MountRecord
from lading.containers.oci_spec import Walls
from lading.containers.record import ContainerRecord, ContainerState
from lading.networks import Endpoint
from lading.networks.ports import Published
from lading.wire.containers import ZERO_TIME, ContainerConfig
from lading.wire.host_config import HostConfig
from lading.wire.networks import EndpointSettings, PortBinding

MakeRecord = Callable[..., ContainerRecord]
T = TypeVar("T")
SECOND = 1_000_000_000
RUNNING = ContainerState(status="running", pid=7, started_ns=SECOND)
EXITED = ContainerState(status="exited", exit_code=3, started_ns=SECOND, finished_ns=2 * SECOND)
ENDPOINT = Endpoint("e1", "n1", "bridge", "c", 1, ip="10.9.0.2", prefix=24, gateway="10.9.0.1")

PUBLISHED = [
    Published("c", "tcp", 80, "0.0.0.0", 8080, "10.9.0.2", is_redirected=True),
    Published("c", "tcp", 80, "::", 8080, "10.9.0.2", is_relayed=True),
]


def with_loop(work: Callable[[], T]) -> T:
    """A live container exists on an event loop only."""

    async def main() -> T:
        return work()

    return asyncio.run(main())


def surroundings(*endpoints: Endpoint, bytes_used: int = 0) -> Context:
    """What the views look at beside the container itself."""
    return cast(
        "Context",
        SimpleNamespace(
            layout=Layout("/data", "/exec", "0123abcd"),
            snapshots=SimpleNamespace(name="overlay2", usage=lambda _: (bytes_used, 1)),
            networks=SimpleNamespace(
                endpoints=lambda _: list(endpoints),
                ports=SimpleNamespace(of=lambda _: PUBLISHED if endpoints else []),
            ),
            find_network=lambda _: None,
            security=SimpleNamespace(walls=lambda _: Walls("profile", "u:r:p_t:s0", "u:r:f_t:s0")),
            volumes=SimpleNamespace(path_of=lambda name: f"/volumes/{name}"),
        ),
    )


@pytest.mark.parametrize(
    ("state", "text"),
    [
        (ContainerState(), "Created"),
        (RUNNING, "Up 9 seconds"),
        (ContainerState(status="paused", started_ns=SECOND), "Up 9 seconds (Paused)"),
        (EXITED, "Exited (3) 8 seconds ago"),
        (ContainerState(status="removing"), "Removal In Progress"),
    ],
)
def test_a_state_is_told_in_words(state: ContainerState, text: str) -> None:
    assert views.status_text(state, 10 * SECOND) == text


def test_inspect_tells_what_is_and_what_was_asked(make_record: MakeRecord) -> None:
    config = ContainerConfig(image="base", entrypoint=["/entry"], cmd=["a", "b"])
    record = make_record(config=config, host=HostConfig(network_mode="bridge"), state=RUNNING)
    document = with_loop(
        lambda: views.inspect(Container(record), surroundings(ENDPOINT), ["x1"], None)
    )
    assert (document.name, document.path, document.args) == ("/web", "/entry", ["a", "b"])
    assert (document.state.running, document.state.pid) == (True, 7)
    assert document.state.started_at == "1970-01-01T00:00:01.000000000Z"
    assert document.state.finished_at == ZERO_TIME
    assert document.config == config
    labels = document.app_armor_profile, document.process_label, document.mount_label
    assert labels == ("profile", "u:r:p_t:s0", "u:r:f_t:s0")
    assert document.exec_ids == ["x1"]
    assert document.size_rw is UNSET
    assert document.network_settings.ip_address == "10.9.0.2"
    assert document.network_settings.sandbox_key == "/proc/7/ns/net"
    assert document.network_settings.ports == {
        "80/tcp": [PortBinding(host_ip=ip, host_port="8080") for ip in ("0.0.0.0", "::")]
    }


def test_inspect_of_what_never_ran_has_no_times_and_no_address(make_record: MakeRecord) -> None:
    record = make_record(host=HostConfig(network_mode="bridge"))
    document = with_loop(lambda: views.inspect(Container(record), surroundings(), [], None))
    assert (document.state.status, document.state.started_at) == ("created", ZERO_TIME)
    assert document.exec_ids is None
    assert document.network_settings.networks == {"bridge": EndpointSettings()}
    assert document.network_settings.sandbox_key == ""


def test_a_row_of_the_list(make_record: MakeRecord) -> None:
    record = make_record(
        created_ns=5 * SECOND + 7,
        config=ContainerConfig(image="base", cmd=["sh", "-c", "true"]),
        host=HostConfig(network_mode="bridge"),
        mounts=[
            MountRecord("bind", "/dst", source="/src", is_read_only=True, propagation="rprivate")
        ],
    )
    row = with_loop(lambda: views.summary(Container(record), surroundings(), views.Sizes(10, 90)))
    assert (row.names, row.command, row.created) == (["/web"], "sh -c true", 5)
    assert (row.state, row.status, row.size_rw) == ("created", "Created", 10)
    assert row.ports == []
    [mount] = row.mounts
    assert (mount.source, mount.destination, mount.rw, mount.propagation) == (
        "/src",
        "/dst",
        False,
        "rprivate",
    )


def test_a_container_in_anothers_network_has_none_of_its_own(make_record: MakeRecord) -> None:
    record = make_record(host=HostConfig(network_mode="container:other"))
    row = with_loop(lambda: views.summary(Container(record), surroundings(), None))
    assert row.network_settings.networks == {}
