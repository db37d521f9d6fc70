"""Published ports in the documents: inspect, list, and what filters look at."""

from collections.abc import Callable

from lading.containers import published
from lading.containers.record import ContainerRecord, ContainerState
from lading.networks.ports import Published
from lading.wire.containers import ContainerConfig, PortSummary
from lading.wire.host_config import HostConfig
from lading.wire.networks import PortBinding

MakeRecord = Callable[..., ContainerRecord]
RUNNING = ContainerState(status="running", pid=7, started_ns=1)
MADE = [
    Published("c", "udp", 53, "127.0.0.1", 32768, "10.9.0.2", is_redirected=True),
    Published("c", "tcp", 80, "::", 8080, "10.9.0.2", is_relayed=True),
    Published("c", "tcp", 80, "0.0.0.0", 8080, "10.9.0.2", is_redirected=True),
]
EXPOSED: dict[str, dict[str, object]] = {"80/tcp": {}, "443/tcp": {}, "53/udp": {}}


def test_the_map_has_what_is_published_and_null_for_the_exposed(
    make_record: MakeRecord,
) -> None:
    record = make_record(config=ContainerConfig(exposed_ports=EXPOSED), state=RUNNING)
    assert published.port_map(record, MADE) == {
        "443/tcp": None,
        "53/udp": [PortBinding(host_ip="127.0.0.1", host_port="32768")],
        "80/tcp": [
            PortBinding(host_ip="0.0.0.0", host_port="8080"),
            PortBinding(host_ip="::", host_port="8080"),
        ],
    }


def test_a_row_tells_the_ports_of_what_runs_only(make_record: MakeRecord) -> None:
    config = ContainerConfig(exposed_ports=EXPOSED)
    rows = published.summaries(make_record(config=config, state=RUNNING), MADE)
    assert rows == [
        PortSummary(ip="127.0.0.1", private_port=53, public_port=32768, type="udp"),
        PortSummary(ip="0.0.0.0", private_port=80, public_port=8080, type="tcp"),
        PortSummary(ip="::", private_port=80, public_port=8080, type="tcp"),
        PortSummary(private_port=443, type="tcp"),
    ]
    assert published.summaries(make_record(config=config), []) == []


def test_filters_see_what_was_asked(make_record: MakeRecord) -> None:
    host = HostConfig(port_bindings={"80/tcp": [PortBinding(host_port="8080")]})
    record = make_record(config=ContainerConfig(exposed_ports={"81-82/udp": {}}), host=host)
    assert published.asked(record) == [
        PortSummary(private_port=81, type="udp"),
        PortSummary(private_port=82, type="udp"),
        PortSummary(private_port=80, public_port=80, type="tcp"),
    ]
