import re
import subprocess
from collections.abc import Iterator

import pytest

from lading.networks.firewall import Firewall, Zone

RULES = """\
table ip lading-0123abcd {
    set subnets {
        type ipv4_addr
        flags interval
        elements = { 10.8.0.0/24, 10.9.0.0/16 }
    }
    set bridges {
        type ifname
        elements = { "lading0", "lading1" }
    }
    set neighbours {
        type ifname . ifname
        elements = { "lading0" . "lading0", "lading1" . "lading1" }
    }
    set internal {
        type ifname
    }
    chain postrouting {
        type nat hook postrouting priority srcnat; policy accept;
        ip saddr @subnets oifname != @bridges masquerade
    }
    chain forward {
        type filter hook forward priority filter; policy accept;
        ct state established,related accept
        iifname . oifname @neighbours accept
        iifname @internal drop
        oifname @bridges drop
        iifname @bridges accept
    }
}
"""


@pytest.fixture
def firewall(own_namespace: int) -> Iterator[Firewall]:
    made = Firewall("0123abcd")
    yield made
    made.close()


def nft(*arguments: str) -> str:
    run = subprocess.run(["nft", *arguments], check=True, capture_output=True, text=True)
    return run.stdout


def words(text: str) -> list[str]:
    """The lines without indentation, each set's elements in order on one line."""

    def in_order(found: re.Match[str]) -> str:
        return "elements " + " ".join(sorted(re.split(r",\s+", found[1])))

    joined = re.sub(r"elements = \{\s*(.*?)\s*\}", in_order, text, flags=re.DOTALL)
    return [line.strip() for line in joined.splitlines() if line.strip()]


def test_the_table_is_what_the_module_says(firewall: Firewall) -> None:
    zones = [Zone("lading0", ("10.9.0.0/16",)), Zone("lading1", ("10.8.0.0/24",))]
    firewall.ensure(zones, stays_no_router=False)
    assert words(nft("list", "ruleset")) == words(RULES)


def test_a_host_that_was_no_router_stays_none_between_network_cards(firewall: Firewall) -> None:
    firewall.ensure([Zone("lading0", ())], stays_no_router=True)
    lines = words(nft("list", "chain", "ip", "lading-0123abcd", "forward"))
    assert "type filter hook forward priority filter; policy drop;" in lines
    assert lines[-4:-2] == ['meta iifkind != "" accept', 'meta oifkind != "" accept']


def test_ensuring_twice_is_the_same_and_repairs_what_was_changed(firewall: Firewall) -> None:
    firewall.ensure([Zone("lading0", ("10.9.0.0/16",))], stays_no_router=True)
    once = nft("-s", "list", "ruleset")
    nft("flush", "table", "ip", "lading-0123abcd")
    firewall.ensure([Zone("lading0", ("10.9.0.0/16",))], stays_no_router=True)
    assert nft("-s", "list", "ruleset") == once


def test_removing_leaves_nothing_of_ours_and_all_of_others(firewall: Firewall) -> None:
    nft("add", "table", "ip", "theirs")
    before = nft("list", "ruleset")
    firewall.ensure([Zone("lading0", ("10.9.0.0/16",))], stays_no_router=True)
    firewall.remove()
    firewall.remove()
    assert nft("list", "ruleset") == before


def test_a_chain_of_others_that_drops_forwarded_packets_is_found(firewall: Firewall) -> None:
    nft("add", "table", "ip", "filter")
    chain = "{ type filter hook forward priority 0; policy drop; }"
    nft("add", "chain", "ip", "filter", "FORWARD", chain)
    firewall.ensure([Zone("lading0", ())], stays_no_router=True)
    assert firewall.drops_of_others() == ["filter/FORWARD"]
