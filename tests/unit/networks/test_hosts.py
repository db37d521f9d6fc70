import pytest

from lading.networks import hosts


def test_a_container_finds_localhost_and_itself() -> None:
    built = hosts.build("c0ffee", ips=["172.17.0.2"])
    assert built == "127.0.0.1\tlocalhost\n172.17.0.2\tc0ffee\n"


def test_a_domain_makes_a_full_name_before_the_short_one() -> None:
    built = hosts.build("web", ips=["172.17.0.2"], domainname="example.org")
    assert built.endswith("172.17.0.2\tweb.example.org web\n")


def test_the_names_of_ipv6_are_there_if_it_is() -> None:
    assert "::1\tlocalhost ip6-localhost ip6-loopback\n" in hosts.build("web", ipv6=True)
    assert "::1" not in hosts.build("web")


def test_extra_hosts_come_before_the_container_itself() -> None:
    built = hosts.build("web", ips=["172.17.0.2"], extra_hosts=["db:10.0.0.5", "six:[2001:db8::5]"])
    lines = built.splitlines()
    assert lines[1:] == ["10.0.0.5\tdb", "2001:db8::5\tsix", "172.17.0.2\tweb"]


def test_host_gateway_stands_for_the_address_of_the_bridge() -> None:
    built = hosts.build("web", extra_hosts=["up:host-gateway"], gateways=["172.17.0.1", "fd::1"])
    assert "172.17.0.1\tup\nfd::1\tup\n" in built
    with pytest.raises(hosts.NoHostGateway, match="unable to derive the IP value"):
        hosts.build("web", extra_hosts=["up:host-gateway"])


@pytest.mark.parametrize("entry", ["", "db", "db:", ":10.0.0.5"])
def test_an_entry_without_name_or_address_is_refused(entry: str) -> None:
    with pytest.raises(hosts.BadExtraHost, match="bad format for add-host"):
        hosts.extra_host_line(entry)


@pytest.mark.parametrize("entry", ["db:nowhere", "db:10.0.0", "db:1.2.3.4\n6.6.6.6 evil"])
def test_an_address_that_is_none_is_refused(entry: str) -> None:
    with pytest.raises(hosts.BadExtraHostAddress, match="invalid IP address in add-host"):
        hosts.extra_host_line(entry)


def test_the_hostname_file_is_one_line() -> None:
    assert hosts.hostname_file("web") == "web\n"
