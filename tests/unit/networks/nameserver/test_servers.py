import pytest

from lading.networks.nameserver import Upstream, choose

HOST = "nameserver 127.0.0.53\nnameserver 192.0.2.1\nnameserver ::1\nnameserver 192.0.2.2\n"


@pytest.mark.parametrize(
    ("host", "servers", "expected"),
    [
        (HOST, [], (("127.0.0.53", True), ("192.0.2.1", False), ("::1", True))),
        (HOST, ["198.51.100.1"], (("198.51.100.1", False),)),
        (HOST, ["127.0.0.1"], (("127.0.0.1", False),)),  # the container's own loopback
        ("", [], (("8.8.8.8", False), ("8.8.4.4", False))),
        ("", ["a", "b", "c", "d"], (("a", False), ("b", False), ("c", False))),
    ],
)
def test_whom_to_ask(host: str, servers: list[str], expected: tuple[tuple[str, bool], ...]) -> None:
    found = choose(host, servers=servers, options=[], has_way_out=True)
    assert found == Upstream(expected)


def test_what_else_is_known() -> None:
    found = choose(HOST, servers=["192.0.2.9"], options=["edns0", "ndots:2"], has_way_out=False)
    assert (found.forwards, found.ndots_set) == (False, True)
