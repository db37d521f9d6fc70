"""The administrator's chain, and the FORWARD chain of iptables."""

import re
import shutil
import subprocess
from collections.abc import Iterator

import pytest

from lading.networks.firewall import Firewall, Zone

WEB = Zone("lading0", ("10.9.0.0/16",))
MARK = "lading-0123abcd"


@pytest.fixture
def firewall(own_namespace: int) -> Iterator[Firewall]:
    made = Firewall("0123abcd")
    yield made
    made.close()


def command(*words: str) -> str:
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


def make_forward(policy: str) -> None:
    """What iptables-nft makes of `iptables -P FORWARD ...`."""
    hook = f"{{ type filter hook forward priority 0; policy {policy}; }}"
    command("nft", "add", "table", "ip", "filter")
    command("nft", "add", "chain", "ip", "filter", "FORWARD", hook)


def forward_rules() -> list[str]:
    listed = command("nft", "-s", "list", "chain", "ip", "filter", "FORWARD").splitlines()
    return [line.strip() for line in listed[3:-2]]


def test_the_administrators_chain_is_made_and_left_alone(firewall: Firewall) -> None:
    firewall.put_zone(WEB)
    chain = ("inet", "lading-user", "forward")
    listed = command("nft", "list", "chain", *chain)
    assert "type filter hook forward priority filter - 1; policy accept;" in listed
    rule = "meta l4proto tcp ct original proto-dst 8080 drop"
    command("nft", "add", "rule", *chain, *rule.split())
    firewall.rebuild()
    firewall.remove_everything()
    assert rule in command("nft", "list", "chain", *chain)


def test_an_empty_chain_of_the_administrator_goes_with_the_last_engine(firewall: Firewall) -> None:
    other = Firewall("ffffffff")
    other.put_zone(Zone("lading1", ("10.8.0.0/24",)))
    firewall.put_zone(WEB)
    other.remove_everything()
    assert "table inet lading-user" in command("nft", "list", "tables")
    firewall.remove_everything()
    assert command("nft", "list", "tables") == ""
    other.close()


def test_a_forward_chain_that_drops_lets_our_bridges_pass_at_its_end(firewall: Firewall) -> None:
    make_forward("drop")
    command("nft", "add", "rule", "ip", "filter", "FORWARD", "ip", "saddr", "10.9.0.9", "drop")
    firewall.put_zone(WEB)
    firewall.put_zone(WEB)
    assert forward_rules() == [
        "ip saddr 10.9.0.9 drop",
        f'iifname "lading0" counter accept comment "{MARK} from lading0"',
        f'oifname "lading0" counter accept comment "{MARK} to lading0"',
    ]
    assert firewall.dropping_chains() == []
    firewall.drop_zone("lading0")
    assert forward_rules() == ["ip saddr 10.9.0.9 drop"]


def test_iptables_can_read_what_we_wrote(firewall: Firewall) -> None:
    if not shutil.which("iptables-nft"):
        pytest.skip("iptables-nft is not installed")
    command("iptables-nft", "-P", "FORWARD", "DROP")
    firewall.put_zone(WEB)
    rules = command("iptables-nft", "-S", "FORWARD").splitlines()
    assert [re.sub(" -m comment --comment .*? -j", " -j", rule) for rule in rules] == [
        "-P FORWARD DROP",
        "-A FORWARD -i lading0 -j ACCEPT",
        "-A FORWARD -o lading0 -j ACCEPT",
    ]


def test_a_forward_chain_that_accepts_is_left_alone(firewall: Firewall) -> None:
    make_forward("accept")
    firewall.put_zone(WEB)
    assert forward_rules() == []
    command("nft", "chain", "ip", "filter", "FORWARD", "{ policy drop; }")
    firewall.put_zone(WEB)
    assert len(forward_rules()) == 2
    firewall.remove_everything()
    assert forward_rules() == []


def test_any_other_chain_that_drops_is_told(firewall: Firewall) -> None:
    hook = "{ type filter hook forward priority 0; policy drop; }"
    command("nft", "add", "table", "inet", "site")
    command("nft", "add", "chain", "inet", "site", "forward", hook)
    firewall.put_zone(WEB, stays_no_router=True)
    assert firewall.dropping_chains() == ["site/forward"]
