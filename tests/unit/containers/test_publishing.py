"""What an update of published ports leaves."""

from collections.abc import Callable

import pytest

from lading.containers import publishing
from lading.containers.record import ContainerRecord
from lading.errors import InvalidArgument
from lading.networks.ports import Published, Wish
from lading.wire.containers import ContainerUpdate
from lading.wire.host_config import HostConfig
from lading.wire.networks import PortBinding, PortMap

MakeRecord = Callable[..., ContainerRecord]


def at(port: str, ip: str = "") -> PortBinding:
    return PortBinding(host_ip=ip, host_port=port)


WEB: PortMap = {"80": [at("8080"), at("8081", "127.0.0.1")], "53/udp": [at("")]}


@pytest.mark.parametrize(
    ("add", "rm", "expected"),
    [
        (
            {"81/tcp": [at("8082")]},
            None,
            {"80/tcp": WEB["80"], "53/udp": [at("")], "81/tcp": [at("8082")]},
        ),
        ({"80/tcp": [at("8080")]}, None, {"80/tcp": WEB["80"], "53/udp": [at("")]}),
        (None, {"80/tcp": []}, {"53/udp": [at("")]}),
        (None, {"80/tcp": [at("8080")], "53/udp": None}, {"80/tcp": [at("8081", "127.0.0.1")]}),
        (
            {"81/tcp": [at("8080")]},
            {"80/tcp": [at("8080"), at("8081")]},
            {"53/udp": [at("")], "81/tcp": [at("8080")]},
        ),
    ],
)
def test_ports_are_added_and_taken_away(
    make_record: MakeRecord, add: PortMap | None, rm: PortMap | None, expected: PortMap
) -> None:
    record = make_record(host=HostConfig(network_mode="bridge", port_bindings=WEB))
    asked = ContainerUpdate(publish_add=add, publish_rm=rm)
    assert publishing.changed(record, asked).host_config.port_bindings == expected


def test_an_update_of_other_things_leaves_the_record_as_it_is(make_record: MakeRecord) -> None:
    record = make_record(host=HostConfig(port_bindings=WEB))
    assert publishing.changed(record, ContainerUpdate()) is record


@pytest.mark.parametrize(
    ("mode", "asked"),
    [
        ("bridge", ContainerUpdate(publish_rm={"81/tcp": []})),
        ("bridge", ContainerUpdate(publish_rm={"80/tcp": [at("9")]})),
        ("bridge", ContainerUpdate(publish_rm={"80/tcp": [at("8081", "127.0.0.2")]})),
        ("bridge", ContainerUpdate(publish_add={"81/tcp": [at("x")]})),
        ("host", ContainerUpdate(publish_add={"81/tcp": [at("1")]})),
        ("container:other", ContainerUpdate(publish_add={"81/tcp": [at("1")]})),
    ],
)
def test_what_cannot_be_is_refused(
    make_record: MakeRecord, mode: str, asked: ContainerUpdate
) -> None:
    record = make_record(host=HostConfig(network_mode=mode, port_bindings=WEB))
    with pytest.raises(InvalidArgument):
        publishing.changed(record, asked)


def test_ports_that_nobody_asks_for_are_found() -> None:
    made = [
        Published("c", "tcp", 80, "0.0.0.0", 8080, "10.9.0.2"),
        Published("c", "tcp", 80, "::", 8080, "10.9.0.2"),
        Published("c", "tcp", 81, "127.0.0.1", 8101, "10.9.0.2"),
        Published("c", "udp", 80, "0.0.0.0", 32768, "10.9.0.2", sources=("10.0.0.0/8",)),
    ]
    wishes = [
        Wish("tcp", 80, "", 8080, 8080),
        Wish("tcp", 81, "127.0.0.1", 8100, 8110),
        Wish("udp", 80, sources=("10.0.0.0/8",)),
    ]
    assert publishing.stray(made, wishes) == []
    assert publishing.stray(made, wishes[1:]) == made[:2]
    assert publishing.stray(made, [*wishes[:2], Wish("udp", 80)]) == made[3:]
    assert publishing.stray(made, [Wish("tcp", 81, "127.0.0.1", 1, 2)]) == made
