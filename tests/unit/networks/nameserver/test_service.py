"""The resolver in the namespaces of containers, asked as their programs would."""

import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from tests.unit.networks.ports.conftest import host as host
from tests.unit.networks.ports.conftest import outside as outside
from tests.unit.networks.wire import OUTSIDE, inside
from tests.unit.steward.test_dns_forward import answer
from tests.unit.steward.test_dns_message import ask

from lading.networks import Endpoint, EndpointRequest, Networks
from lading.steward import dns_message as dns
from lading.wire.networks import NetworkCreate

RESOLVER = ("127.0.0.11", 53)


@pytest.fixture
def networks(host: int, open_networks: Callable[..., Networks]) -> Iterator[Networks]:
    made = open_networks(nameserver="127.0.0.53")
    for name, internal in (("front", False), ("back", False), ("inner", True)):
        made.create(NetworkCreate(name=name, internal=internal))
    yield made
    made.nameserver.remove_everything()


def join(
    networks: Networks, container: str, network: str, *names: str, **words: object
) -> Endpoint:
    [endpoint] = networks.attach_all(container, [EndpointRequest(network, (container, *names))])
    servers = [str(words["server"])] if "server" in words else []
    options = [str(words["option"])] if "option" in words else []
    assert networks.resolve_for(container, servers=servers, options=options)
    return endpoint


def query(
    endpoint: Endpoint, name: str, kind: int = dns.A, *, is_tcp: bool = False, size: int = 0
) -> bytes:
    """What the resolver says in the container; b"" for nothing."""
    message = ask(name, kind, size=size)

    def talk() -> bytes:
        if is_tcp:
            with socket.create_connection(RESOLVER, 20) as stream:
                stream.sendall(len(message).to_bytes(2, "big") + message)
                length = int.from_bytes(stream.recv(2, socket.MSG_WAITALL), "big")
                return stream.recv(length, socket.MSG_WAITALL)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            asking.settimeout(20)
            asking.connect(RESOLVER)  # an answer from any other port would not be taken
            asking.send(message)
            return asking.recv(4096)

    return inside(endpoint.netns_fd, talk)


def addresses(message: bytes) -> set[str]:
    """The A records of an answer whose names are pointers."""
    count = int.from_bytes(message[6:8], "big")
    offset = 12 + message[12:].index(b"\0") + 5
    found = set()
    for _ in range(count):
        found.add(socket.inet_ntoa(message[offset + 12 : offset + 16]))
        offset += 16
    return found


@pytest.mark.parametrize("is_tcp", [False, True])
def test_names_of_the_containers_networks_are_answered(networks: Networks, is_tcp: bool) -> None:
    web, app = join(networks, "web", "front"), join(networks, "app", "front", "service")
    other = join(networks, "db", "back", server="127.0.0.1")
    for name in ("app", "service", "APP.front"):
        assert addresses(query(web, name, is_tcp=is_tcp)) == {app.ip}
    assert dns.code_of(query(other, "app", is_tcp=is_tcp)) == dns.SERVFAIL
    networks.release("app")
    join(networks, "late", "front", "service", server="127.0.0.1")
    assert addresses(query(web, "service", is_tcp=is_tcp)) != {app.ip}


def test_several_containers_share_an_alias_in_any_order(networks: Networks) -> None:
    some = [join(networks, f"app{n}", "front", "app") for n in range(4)]
    answers = [query(some[0], "app") for _ in range(30)]
    assert {frozenset(addresses(one)) for one in answers} == {frozenset(e.ip for e in some)}
    assert len({one[2:] for one in answers}) > 1


def test_an_answer_that_is_too_long_is_cut_and_whole_by_tcp(networks: Networks) -> None:
    some = [join(networks, f"app{n}", "front", "app") for n in range(40)]
    short = query(some[0], "app")
    assert len(short) <= 512
    assert short[2] & 0x02  # truncated
    assert len(addresses(query(some[0], "app", is_tcp=True))) == 40
    assert len(addresses(query(some[0], "app", size=1232))) == 40


def test_an_internal_network_asks_nobody(networks: Networks) -> None:
    web = join(networks, "web", "inner")
    assert dns.code_of(query(web, "www.example.com")) == dns.NXDOMAIN


def test_names_of_one_label_stay_here_where_the_user_has_set_ndots(networks: Networks) -> None:
    web = join(networks, "web", "front", server="127.0.0.1", option="ndots:2")
    assert dns.code_of(query(web, "nobody")) == dns.NXDOMAIN
    assert dns.code_of(query(web, "no.body")) == dns.SERVFAIL
    assert dns.code_of(query(web, "nobody", dns.MX)) == dns.SERVFAIL


def serve_names(address: str) -> Callable[[], None]:
    """A name server at an address of the present namespace that says NXDOMAIN to everything."""
    served = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    served.bind((address, 53))

    def run() -> None:
        with suppress(OSError):
            while True:
                message, client = served.recvfrom(4096)
                if client is None:
                    return
                served.sendto(answer(message, dns.NXDOMAIN), client)

    threading.Thread(target=run, daemon=True).start()

    def stop() -> None:
        with suppress(OSError):
            served.shutdown(socket.SHUT_RDWR)
        served.close()

    return stop


def test_other_names_are_asked_from_the_containers_own_namespace(
    networks: Networks, outside: int
) -> None:
    stop = inside(outside, lambda: serve_names(OUTSIDE))
    web = join(networks, "web", "front", server=OUTSIDE)
    assert dns.code_of(query(web, "www.example.com")) == dns.NXDOMAIN
    stop()


def test_a_server_on_the_hosts_loopback_is_asked_from_the_host(networks: Networks) -> None:
    stop = serve_names("127.0.0.53")
    web = join(networks, "web", "front")
    assert dns.code_of(query(web, "www.example.com")) == dns.NXDOMAIN
    stop()


def test_a_container_gets_no_answer_once_it_is_released(networks: Networks) -> None:
    web, app = join(networks, "web", "front"), join(networks, "app", "front")
    assert networks.nameserver.differences() == []
    networks.release("app")
    assert networks.nameserver.differences() == []
    assert addresses(query(web, "web")) == {web.ip}
    assert [*networks.nameserver.containers()] == ["web"]
    del app


def test_predefined_networks_have_no_names(networks: Networks) -> None:
    networks.attach("c1")
    assert networks.resolve_for("c1", servers=[], options=[]) is False


@pytest.mark.skipif(not shutil.which("dig"), reason="dig is not installed")
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["app", "A"], "{app}"),
        (["+tcp", "app", "A"], "{app}"),
        (["+noedns", "app.front", "A"], "{app}"),
        (["-x", "{app}"], "app.front."),
        (["_80._tcp.app", "SRV"], "0 0 80 app."),
        (["app", "AAAA"], ""),
        (["app", "MX"], ""),
    ],
)
def test_dig_reads_the_answers(networks: Networks, words: list[str], expected: str) -> None:
    web, app = join(networks, "web", "front"), join(networks, "app", "front")
    fd = web.netns_fd
    assert fd is not None
    asked = [word.format(app=app.ip) for word in words]
    command = ["nsenter", f"--net=/proc/self/fd/{fd}", "dig", "+short", "@127.0.0.11", *asked]
    run = subprocess.run(command, capture_output=True, text=True, pass_fds=[fd], check=True)
    assert run.stdout.strip() == expected.format(app=app.ip)


def test_a_new_engine_finds_the_names_in_place(
    networks: Networks, open_networks: Callable[..., Networks], tmp_path: Path
) -> None:
    web, app = join(networks, "web", "front"), join(networks, "app", "front")
    networks.nameserver.close()
    assert addresses(query(web, "app")) == {app.ip}
    after = open_networks()
    after.reconcile({"web"})
    assert after.nameserver.differences() == []
    assert [*after.nameserver.containers()] == ["web"]
    assert dns.code_of(query(web, "app")) != dns.NOERROR
    assert addresses(query(web, "web")) == {web.ip}
    after.nameserver.remove_everything()
