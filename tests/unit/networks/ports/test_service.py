import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.unit.networks.ports.conftest import CONTAINER, Echo, is_served, is_silent, until

import lading
from lading.kernel import sysctl
from lading.networks import Networks, Settings
from lading.networks.ports import Wish
from lading.networks.ports.service import PublishFailed

OpenNetworks = Callable[..., Networks]
Serve = Callable[..., Echo]
WEB = Wish("tcp", 80, "", 8080, 8080)
OTHER = "d" * 64


def places(networks: Networks, container: str = CONTAINER) -> list[tuple[str, str, int]]:
    return [(one.protocol, one.address, one.port) for one in networks.ports.of(container)]


def listeners() -> set[tuple[str, str]]:
    """Protocol and address of every socket that holds a port, as the kernel lists them."""
    run = subprocess.run(["ss", "-Hlntu"], check=True, capture_output=True, text=True)
    rows = (line.split() for line in run.stdout.splitlines())
    return {(row[0], row[4]) for row in rows}


def elements() -> list[str]:
    run = subprocess.run(["nft", "-j", "list", "ruleset"], check=True, capture_output=True)
    tables = json.loads(run.stdout)["nftables"]
    maps = [one["map"] for one in tables if "map" in one]
    return [json.dumps(element) for one in maps for element in one.get("elem", [])]


def test_a_port_is_held_and_redirected_until_the_release(networks: Networks) -> None:
    networks.attach(CONTAINER)
    made = networks.publish(CONTAINER, "web", [WEB, Wish("udp", 53, "127.0.0.1", 53, 53)])
    assert places(networks) == [
        ("udp", "127.0.0.1", 53),
        ("tcp", "0.0.0.0", 8080),
        ("tcp", "::", 8080),
    ] or places(networks) == [
        ("tcp", "0.0.0.0", 8080),
        ("tcp", "::", 8080),
        ("udp", "127.0.0.1", 53),
    ]
    assert [one.is_redirected for one in made].count(True) == 2
    assert listeners() == {
        ("tcp", "0.0.0.0:8080"),
        ("tcp", "[::]:8080"),
        ("udp", "127.0.0.1:53"),
    }
    assert len(elements()) == 2
    networks.release(CONTAINER)
    networks.release(CONTAINER)
    assert places(networks) == []
    assert listeners() == set()
    assert elements() == []


@pytest.mark.parametrize("address", ["", "0.0.0.0", "127.0.0.1"])
def test_a_port_of_another_container_is_refused_in_dockerds_words(
    networks: Networks, address: str
) -> None:
    networks.attach(CONTAINER)
    networks.attach(OTHER)
    networks.publish(CONTAINER, "web", [WEB])
    with pytest.raises(PublishFailed) as caught:
        networks.publish(OTHER, "second", [Wish("tcp", 80, address, 8080, 8080)])
    assert re.fullmatch(
        r"failed to set up container networking: driver failed programming external connectivity "
        r"on endpoint second \([0-9a-f]{64}\): "
        r"Bind for 0\.0\.0\.0:8080 failed: port is already allocated",
        str(caught.value),
    )
    assert places(networks, OTHER) == []
    networks.release(CONTAINER)
    networks.publish(OTHER, "second", [WEB])


def test_a_port_of_another_program_is_refused_and_nothing_is_left(networks: Networks) -> None:
    networks.attach(CONTAINER)
    wishes = [Wish("tcp", 81, "", 8081, 8081), Wish("tcp", 80, "", 8080, 8080)]
    with socket.create_server(("127.0.0.1", 8080)):
        with pytest.raises(PublishFailed) as caught:
            networks.publish(CONTAINER, "web", wishes)
        assert str(caught.value).endswith(
            "failed to bind host port for 0.0.0.0:8080:172.17.0.2:80/tcp: address already in use"
        )
        assert listeners() == {("tcp", "127.0.0.1:8080")}
    networks.publish(CONTAINER, "web", wishes)


def test_an_address_that_is_not_the_hosts_is_refused(networks: Networks) -> None:
    networks.attach(CONTAINER)
    with pytest.raises(PublishFailed, match="cannot assign requested address"):
        networks.publish(CONTAINER, "web", [Wish("tcp", 80, "198.51.100.9", 8080, 8080)])


def test_one_port_for_two_of_one_container_is_refused(networks: Networks) -> None:
    networks.attach(CONTAINER)
    with pytest.raises(PublishFailed, match="port is already allocated"):
        networks.publish(CONTAINER, "web", [WEB, Wish("tcp", 81, "", 8080, 8080)])
    assert listeners() == set()


def test_no_other_program_can_take_a_port_that_is_published(networks: Networks) -> None:
    networks.attach(CONTAINER)
    networks.publish(CONTAINER, "web", [WEB, Wish("udp", 80, "", 8080, 8080)])
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(socket.AF_INET, kind) as other, pytest.raises(OSError, match="in use"):
            other.bind(("0.0.0.0", 8080))


def test_a_range_gives_the_first_free_port_and_ends(networks: Networks) -> None:
    for number in range(4):
        networks.attach(f"{number}" * 64)
    wish = [Wish("tcp", 80, "", 8100, 8102)]
    with socket.create_server(("0.0.0.0", 8101)):
        ports = [networks.publish(f"{n}" * 64, "web", wish)[0].port for n in range(2)]
        assert ports == [8100, 8102]
        with pytest.raises(PublishFailed, match="all ports are allocated"):
            networks.publish("2" * 64, "web", wish)
    assert networks.publish("3" * 64, "web", wish)[0].port == 8101


def test_free_ports_are_the_kernels_ephemeral_ones_but_the_reserved(networks: Networks) -> None:
    sysctl.write("net.ipv4.ip_local_port_range", "40000 40003")
    sysctl.write("net.ipv4.ip_local_reserved_ports", "40001")
    networks.attach(CONTAINER)
    networks.attach(OTHER)
    made = networks.publish(CONTAINER, "web", [Wish("tcp", 80), Wish("tcp", 81)])
    assert [(one.address, one.port) for one in made] == [
        ("0.0.0.0", 40000),
        ("::", 40000),
        ("0.0.0.0", 40002),
        ("::", 40002),
    ]
    networks.release(CONTAINER)
    again = networks.publish(OTHER, "second", [Wish("tcp", 80), Wish("udp", 80)])
    assert [one.port for one in again] == [40003, 40003, 40000, 40000]


def test_where_to_publish_can_be_told_for_all(published_networks: OpenNetworks) -> None:
    networks = published_networks(Settings(default_ip="127.0.0.1"))
    networks.attach(CONTAINER)
    networks.publish(CONTAINER, "web", [WEB, Wish("tcp", 81, "0.0.0.0", 8081, 8081)])
    assert places(networks) == [("tcp", "127.0.0.1", 8080), ("tcp", "0.0.0.0", 8081)]


def test_some_ports_can_be_taken_back_while_the_others_stay(
    networks: Networks, serve: Serve
) -> None:
    serve(networks.attach(CONTAINER))
    first = networks.publish(CONTAINER, "web", [WEB])
    networks.publish(CONTAINER, "web", [Wish("tcp", 80, "", 8081, 8081)])
    networks.ports.unpublish(CONTAINER, first)
    assert is_served("tcp", ("127.0.0.1", 8081))
    assert is_silent("tcp", ("127.0.0.1", 8080))
    assert listeners() == {("tcp", "0.0.0.0:8081"), ("tcp", "[::]:8081")}


def test_a_new_engine_finds_everything_in_place(
    published_networks: OpenNetworks, serve: Serve
) -> None:
    before = published_networks()
    serve(before.attach(CONTAINER))
    before.publish(CONTAINER, "web", [WEB])
    before.attach(OTHER)
    before.publish(OTHER, "gone", [Wish("tcp", 80, "", 8081, 8081)])
    held = listeners()
    before.ports.close()  # as a crash does; its namespaces stay open for this test
    after = published_networks()
    assert listeners() == held
    after.reconcile({CONTAINER})
    assert places(after) == [("tcp", "0.0.0.0", 8080), ("tcp", "::", 8080)]
    assert places(after, OTHER) == []
    assert listeners() == {("tcp", "0.0.0.0:8080"), ("tcp", "[::]:8080")}
    assert len(elements()) == 1
    for to in ("127.0.0.1", "::1"):
        assert is_served("tcp", (to, 8080))


def test_ports_of_containers_that_ended_meanwhile_leave_the_filter(
    published_networks: OpenNetworks,
) -> None:
    before = published_networks()
    before.attach(CONTAINER)
    before.publish(CONTAINER, "web", [WEB])
    before.ports.close()
    after = published_networks()
    after.reconcile(set())
    assert listeners() == set()
    assert elements() == []


def porter() -> int | None:
    """The porter's process, by its name in our network namespace."""
    ours = os.stat("/proc/thread-self/ns/net").st_ino
    for path in Path("/proc").glob("[0-9]*"):
        try:
            comm = (path / "comm").read_text()
            if comm == "lading-porter\n" and (path / "ns/net").stat().st_ino == ours:
                return int(path.name)
        except OSError:
            continue
    return None


def test_a_porter_that_was_killed_is_replaced_with_all_it_held(
    networks: Networks, serve: Serve
) -> None:
    serve(networks.attach(CONTAINER))
    networks.attach(OTHER)
    networks.publish(CONTAINER, "web", [WEB])
    process = porter()
    assert process
    os.kill(process, 9)
    until(lambda: listeners() == set())
    assert is_served("tcp", ("127.0.0.1", 8080))  # redirections need no porter
    networks.publish(OTHER, "second", [Wish("tcp", 80, "", 8081, 8081)])
    assert {place for _, place in listeners()} == {
        *("0.0.0.0:8080", "[::]:8080", "0.0.0.0:8081", "[::]:8081")
    }
    assert is_served("tcp", ("::1", 8080))


def test_a_thousand_published_ports_come_and_go(networks: Networks) -> None:
    networks.attach(CONTAINER)
    networks.publish(CONTAINER, "web", [Wish("tcp", n, "", n, n) for n in range(10000, 11000)])
    assert len(listeners()) == 2000
    assert len(elements()) == 1000
    networks.release(CONTAINER)
    assert listeners() == set()
    assert elements() == []


PORTER_ALONE = """
import os, socket, sys
from lading.steward.client import Client
from lading.networks.ports import sockets

client = Client("porter", sys.argv[1])
client.start()
held = sockets.bind("tcp", "127.0.0.1", 8080, listens=False)
item = {"key": "k", "container": sys.argv[2], "relay": None}
client.call("hold", {"items": [item]}, [held.fileno()])
"""


@pytest.mark.usefixtures("host")
def test_without_an_engine_a_port_is_free_when_its_container_ends(tmp_path: Path) -> None:
    run = tmp_path / "containers" / CONTAINER
    run.mkdir(parents=True)
    sleeper = subprocess.Popen(["sleep", "60"])
    stat = Path(f"/proc/{sleeper.pid}/stat").read_text()
    state = {"pid": sleeper.pid, "start_time": int(stat.rpartition(")")[2].split()[19])}
    (run / "state.json").write_text(json.dumps(state))
    environment = {**os.environ, "PYTHONPATH": str(Path(lading.__file__).parent.parent)}
    words = [sys.executable, "-c", PORTER_ALONE, str(tmp_path), CONTAINER]
    subprocess.run(words, check=True, env=environment)
    assert listeners() == {("tcp", "127.0.0.1:8080")}
    sleeper.kill()
    sleeper.wait()
    until(lambda: listeners() == set())
    until(lambda: porter() is None)  # which has nothing left to do
