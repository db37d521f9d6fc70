import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.networks import resolvconf


def test_the_servers_search_list_and_options_of_the_host_are_taken_over() -> None:
    host = "# by hand\nsearch corp.example lab\nnameserver 192.0.2.53\noptions ndots:2 rotate\n"
    expected = "nameserver 192.0.2.53\nsearch corp.example lab\noptions ndots:2 rotate\n"
    assert resolvconf.build(host) == expected


def test_a_server_on_the_loopback_of_the_host_is_left_out() -> None:
    host = "nameserver 127.0.0.1\nnameserver 192.0.2.53\nnameserver 127.8.9.1\nnameserver ::1\n"
    assert resolvconf.build(host, ipv6=True) == "nameserver 192.0.2.53\n"


@pytest.mark.parametrize("host", ["", "nameserver 127.0.0.1\n", "nameserver\nnameserver x\n"])
def test_public_servers_stand_in_when_none_is_left(host: str) -> None:
    assert resolvconf.build(host) == "nameserver 8.8.8.8\nnameserver 8.8.4.4\n"


def test_an_ipv6_server_is_only_for_containers_with_ipv6() -> None:
    host = "nameserver 2001:db8::53\nnameserver fe80::1%eth0\nnameserver 192.0.2.53\n"
    assert resolvconf.build(host) == "nameserver 192.0.2.53\n"
    assert resolvconf.build(host, ipv6=True) == host


def test_what_is_asked_replaces_what_the_host_has() -> None:
    host = "nameserver 192.0.2.53\nsearch corp.example\noptions rotate\n"
    built = resolvconf.build(host, servers=["127.0.0.1"], search=["lab"], options=["ndots:1"])
    assert built == "nameserver 127.0.0.1\nsearch lab\noptions ndots:1\n"
    assert resolvconf.build(host, search=["."]) == "nameserver 192.0.2.53\noptions rotate\n"


def test_a_container_in_the_network_of_the_host_asks_whom_the_host_asks() -> None:
    host = "nameserver 127.0.0.53\nnameserver ::1\n"
    assert resolvconf.build(host, shares_host=True) == host
    built = resolvconf.build(host, servers=["192.0.2.1"], shares_host=True)
    assert built == "nameserver 192.0.2.1\n"


def test_the_last_search_line_counts_and_domain_is_an_old_form_of_it() -> None:
    assert "search b\n" in resolvconf.build("search a\nsearch b\n")
    assert "search corp.example\n" in resolvconf.build("domain corp.example\n")


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"/etc/resolv.conf": "nameserver 192.0.2.1\n"}, "nameserver 192.0.2.1\n"),
        (
            {
                "/etc/resolv.conf": "nameserver 127.0.0.53\noptions edns0\n",
                "/run/systemd/resolve/resolv.conf": "nameserver 192.0.2.2\n",
            },
            "nameserver 192.0.2.2\n",
        ),
        ({"/etc/resolv.conf": "nameserver 127.0.0.53\n"}, "nameserver 127.0.0.53\n"),
        ({}, ""),
    ],
    ids=["plain", "systemd-resolved", "stub without its file", "none"],
)
def test_the_file_of_the_host_is_the_one_that_names_real_servers(
    files: dict[str, str], expected: str
) -> None:
    def read(path: str) -> str:
        if path not in files:
            raise FileNotFoundError(path)
        return files[path]

    assert resolvconf.host_text(read) == expected


@given(st.text(alphabet="nameserv search.domain\t\n#;127.0.0.1:", max_size=200))
def test_whatever_the_host_has_the_container_gets_reachable_servers(host: str) -> None:
    built = resolvconf.build(host)
    servers = resolvconf.nameservers(built)
    assert servers
    assert not any(server.startswith("127.") for server in servers)
    assert resolvconf.build(built) == built
