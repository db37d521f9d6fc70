"""Legacy links: what is written, and what the container that has them sees."""

import pytest

from lading.containers import links
from lading.containers.links import BadLink, Linked

DB = Linked("db", "store", "172.17.0.2", ["5432/tcp", "53/udp"], ["A=1", "PATH=/bin", "HOME=/"])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("store:db", ("store", "db")),
        ("store", ("store", "store")),
        ("/store:/web/db", ("store", "db")),  # as inspect tells it
        ("/store", ("store", "store")),
    ],
)
def test_a_link_is_a_name_and_an_alias(text: str, expected: tuple[str, str]) -> None:
    assert links.parse(text) == expected


@pytest.mark.parametrize("text", ["", ":", "store:", ":db", "a:b:c"])
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(BadLink):
        links.parse(text)


def test_variables_tell_ports_in_order_and_what_the_other_was_given() -> None:
    assert links.variables("web", DB) == [
        "DB_PORT=udp://172.17.0.2:53",
        "DB_PORT_53_UDP=udp://172.17.0.2:53",
        "DB_PORT_53_UDP_ADDR=172.17.0.2",
        "DB_PORT_53_UDP_PORT=53",
        "DB_PORT_53_UDP_PROTO=udp",
        "DB_PORT_5432_TCP=tcp://172.17.0.2:5432",
        "DB_PORT_5432_TCP_ADDR=172.17.0.2",
        "DB_PORT_5432_TCP_PORT=5432",
        "DB_PORT_5432_TCP_PROTO=tcp",
        "DB_NAME=/web/db",
        "DB_ENV_A=1",
    ]


def test_an_alias_with_a_hyphen_gives_names_that_a_shell_takes() -> None:
    assert links.variables("web", DB._replace(alias="my-db", ports=[], env=[])) == [
        "MY_DB_NAME=/web/my-db"
    ]


def test_hosts_have_a_line_for_each_without_a_name_twice() -> None:
    same = DB._replace(alias="store", ip="172.17.0.3")
    assert links.host_lines([DB, same]) == "172.17.0.2\tdb store\n172.17.0.3\tstore\n"
