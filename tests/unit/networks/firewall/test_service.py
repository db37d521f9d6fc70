import re
import subprocess
from collections.abc import Iterator

import pytest

from lading.networks.firewall import Firewall, Opening, Redirect, Zone

TABLE = "lading-0123abcd"
CHAINS = """\
chain raw {
type filter hook prerouting priority raw; policy accept;
iifname != "lo" ip daddr 127.0.0.0/8 drop
}
chain prerouting {
type nat hook prerouting priority dstnat; policy accept;
fib daddr type local jump guarded
}
chain output {
type nat hook output priority -100; policy accept;
fib daddr type local jump redirect
}
chain redirect {
dnat ip to ip daddr . meta l4proto . th dport map @published_at
dnat ip to meta l4proto . th dport map @published
}
chain guarded {
ip daddr . meta l4proto . th dport @restricted_at ip daddr . meta l4proto . th dport . ip saddr \
!= @allowed_at return
meta l4proto . th dport @restricted meta l4proto . th dport . ip saddr != @allowed return
jump redirect
}
chain postrouting {
type nat hook postrouting priority srcnat; policy accept;
ip saddr @subnets oifname != @bridges masquerade
ct status dnat oifname . ip saddr @inside masquerade
ip saddr 127.0.0.0/8 oifname @bridges masquerade
}
chain forward {
type filter hook forward priority filter; policy accept;
ct state established,related accept
iifname . oifname @neighbours accept
iifname @internal drop
oifname @internal drop
oifname @bridges ct status dnat accept
oifname @unprotected accept
ip daddr . meta l4proto . th dport @direct accept
oifname @routed meta l4proto icmp accept
oifname @bridges drop
iifname @bridges accept
}
"""
WEB = Zone("lading0", ("10.9.0.0/16",))


@pytest.fixture
def firewall(own_namespace: int) -> Iterator[Firewall]:
    made = Firewall("0123abcd")
    yield made
    made.close()


def nft(*arguments: str) -> str:
    run = subprocess.run(["nft", *arguments], check=True, capture_output=True, text=True)
    return run.stdout


def lines(*arguments: str) -> list[str]:
    return [line.strip() for line in nft(*arguments).splitlines() if line.strip()]


def elements(family: str = "ip") -> dict[str, list[str]]:
    """The sets that have any, by name."""
    text = nft("list", "table", family, TABLE)
    sets = re.findall(r"(?:set|map) (\w+) \{(.*?)\n\t\}", text, re.DOTALL)
    found = {name: re.search(r"elements = \{\s*(.*?)\s*\}", body, re.DOTALL) for name, body in sets}
    return {name: sorted(re.split(r",\s+", some[1])) for name, some in found.items() if some}


def test_the_chains_are_what_the_rules_say(firewall: Firewall) -> None:
    firewall.put_zone(WEB)
    listed = lines("list", "table", "ip", TABLE)
    assert listed[listed.index("chain raw {") : -1] == CHAINS.splitlines()


def test_networks_are_elements(firewall: Firewall) -> None:
    firewall.put_zone(WEB)
    firewall.put_zone(Zone("lading1", ("10.8.0.0/24",), icc=False, internal=True))
    firewall.put_zone(Zone("lading2", ("10.7.0.0/24",), masquerade=False, mode_ipv4="routed"))
    assert elements() == {
        "bridges": ['"lading0"', '"lading1"', '"lading2"'],
        "neighbours": ['"lading0" . "lading0"', '"lading2" . "lading2"'],
        "internal": ['"lading1"'],
        "routed": ['"lading2"'],
        "subnets": ["10.9.0.0/16"],
        "inside": [
            '"lading0" . 10.9.0.0/16',
            '"lading1" . 10.8.0.0/24',
            '"lading2" . 10.7.0.0/24',
        ],
    }


def test_a_network_that_changes_or_goes_takes_its_elements_along(firewall: Firewall) -> None:
    firewall.put_zone(WEB)
    firewall.put_zone(Zone("lading1", ("10.8.0.0/24",)))
    firewall.put_zone(Zone("lading1", ("10.8.0.0/25",), icc=False))
    assert elements()["subnets"] == ["10.8.0.0/25", "10.9.0.0/16"]
    assert elements()["neighbours"] == ['"lading0" . "lading0"']
    firewall.drop_zone("lading1")
    firewall.drop_zone("absent")
    assert elements()["bridges"] == ['"lading0"']


def test_adjacent_subnets_can_come_and_go(firewall: Firewall) -> None:
    for number in (9, 8, 10):
        firewall.put_zone(Zone(f"lading{number}", (f"10.{number}.0.0/16",)))
    firewall.drop_zone("lading9")
    assert elements()["subnets"] == ["10.10.0.0/16", "10.8.0.0/16"]


def test_ports_are_elements_that_can_be_taken_away(firewall: Firewall) -> None:
    firewall.put_zone(WEB)
    sources = ("192.0.2.0/24", "192.0.2.7", "2001:db8::/32", "198.51.100.1")
    some: list[Redirect | Opening] = [
        Redirect("tcp", "0.0.0.0", 8080, "10.9.0.2", 80),
        Redirect("udp", "127.0.0.1", 8053, "10.9.0.3", 53),
        Redirect("tcp", "0.0.0.0", 8081, "10.9.0.2", 81, sources),
        Redirect("tcp", "203.0.113.1", 8082, "10.9.0.2", 82, ("192.0.2.1",)),
        Opening("tcp", "10.9.0.2", 443),
    ]
    before = elements()
    firewall.add(some)
    firewall.add(some)
    found = elements()
    assert {name: found[name] for name in found if name not in before} == {
        "published": ["tcp . 8080 : 10.9.0.2 . 80", "tcp . 8081 : 10.9.0.2 . 81"],
        "published_at": [
            "127.0.0.1 . udp . 8053 : 10.9.0.3 . 53",
            "203.0.113.1 . tcp . 8082 : 10.9.0.2 . 82",
        ],
        "restricted": ["tcp . 8081"],
        "allowed": ["tcp . 8081 . 192.0.2.0/24", "tcp . 8081 . 198.51.100.1"],
        "restricted_at": ["203.0.113.1 . tcp . 8082"],
        "allowed_at": ["203.0.113.1 . tcp . 8082 . 192.0.2.1"],
        "direct": ["10.9.0.2 . tcp . 443"],
    }
    firewall.remove(some)
    firewall.remove(some)
    assert elements() == before


def test_a_list_of_sources_of_the_other_family_lets_nobody_in(firewall: Firewall) -> None:
    firewall.put_zone(WEB)
    firewall.add([Redirect("tcp", "0.0.0.0", 8081, "10.9.0.2", 81, ("2001:db8::/32",))])
    assert elements()["restricted"] == ["tcp . 8081"]
    assert "allowed" not in elements()


def test_a_network_with_ipv6_gets_a_table_of_that_family(firewall: Firewall) -> None:
    firewall.put_zone(WEB)
    assert lines("list", "tables", "ip6") == []
    firewall.put_zone(Zone("lading1", ("10.8.0.0/24", "fd00::/64")))
    firewall.add([Redirect("tcp", "::", 8080, "fd00::2", 80)])
    assert elements("ip6")["subnets"] == ["fd00::/64"]
    assert elements("ip6")["published"] == ["tcp . 8080 : fd00::2 . 80"]
    assert len(elements()["subnets"]) == 2
    assert "fib daddr type local ip6 daddr != ::1 jump redirect" in lines(
        "list", "chain", "ip6", TABLE, "output"
    )


def test_a_host_that_was_no_router_stays_none_between_network_cards(firewall: Firewall) -> None:
    firewall.put_zone(WEB)
    firewall.put_zone(WEB, stays_no_router=True)
    found = lines("list", "chain", "ip", TABLE, "forward")
    assert "type filter hook forward priority filter; policy drop;" in found
    assert found[-4:-2] == ['meta iifkind != "" accept', 'meta oifkind != "" accept']


@pytest.mark.parametrize("words", [("flush", "ruleset"), ("flush", "table", "ip", TABLE)])
def test_what_others_flush_is_made_again_by_a_repair(
    firewall: Firewall, words: tuple[str, ...]
) -> None:
    firewall.put_zone(WEB, stays_no_router=True)
    firewall.add([Redirect("tcp", "0.0.0.0", 8080, "10.9.0.2", 80)])
    once = nft("-s", "list", "ruleset")
    nft(*words)
    firewall.rebuild()
    assert sorted(nft("-s", "list", "ruleset").split("table ")) == sorted(once.split("table "))


def test_a_change_finds_out_that_the_table_has_gone(firewall: Firewall) -> None:
    firewall.put_zone(WEB)
    nft("flush", "ruleset")
    firewall.add([Redirect("tcp", "0.0.0.0", 8080, "10.9.0.2", 80)])
    assert elements()["bridges"] == ['"lading0"']
    assert elements()["published"] == ["tcp . 8080 : 10.9.0.2 . 80"]


def test_the_audit_names_what_others_added_and_took(firewall: Firewall) -> None:
    firewall.put_zone(Zone("lading0", ("10.9.0.0/16", "fd00::/64")))
    firewall.add([Redirect("tcp", "0.0.0.0", 8080, "10.9.0.2", 80, ("192.0.2.0/24",))])
    assert firewall.differences() == []
    nft("add", "element", "ip", TABLE, "bridges", '{ "eth0" }')
    nft("delete", "element", "ip", TABLE, "published", "{ tcp . 8080 }")
    assert firewall.differences() == [
        ("ip bridges", b"eth0".hex()),
        ("ip published", b"\6\0\0\0\x1f\x90".hex()),
    ]


def test_what_is_switched_off_writes_nothing(own_namespace: int) -> None:
    firewall = Firewall("0123abcd", is_on=False)
    firewall.put_zone(WEB)
    firewall.add([Redirect("tcp", "0.0.0.0", 8080, "10.9.0.2", 80)])
    assert lines("list", "ruleset") == []
    firewall.close()


def test_removing_leaves_nothing_of_ours_and_all_of_others(firewall: Firewall) -> None:
    nft("add", "table", "ip", "theirs")
    before = nft("list", "ruleset")
    firewall.put_zone(Zone("lading1", ("10.8.0.0/24", "fd00::/64")))
    firewall.remove_everything()
    firewall.remove_everything()
    assert nft("list", "ruleset") == before
