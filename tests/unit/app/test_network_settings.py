import json
from pathlib import Path

import pytest

from lading.app import ladingd
from lading.app.network_settings import network_settings
from lading.networks import Settings

MTU = "com.docker.network.driver.mtu"


def settings(*words: str) -> Settings:
    return network_settings(ladingd.settings(list(words)))


def test_without_words_the_networks_are_as_by_default() -> None:
    assert settings() == Settings()


def test_pools_and_options_come_as_words(tmp_path: Path) -> None:
    found = settings(
        "--default-address-pool=base=10.10.0.0/16,size=24",
        "--default-address-pool=base=fd00:10::/48,size=64",
        f"--default-network-opt=bridge={MTU}=1450",
    )
    assert found.default_address_pools == (("10.10.0.0/16", 24), ("fd00:10::/48", 64))
    assert found.default_network_options == (("bridge", ((MTU, "1450"),)),)


def test_pools_options_and_switches_come_from_a_daemon_json(tmp_path: Path) -> None:
    path = tmp_path / "daemon.json"
    document = {
        "default-address-pools": [{"base": "10.10.0.0/16", "size": 24}],
        "default-network-opts": {"bridge": {MTU: "1450"}},
        "icc": False,
    }
    path.write_text(json.dumps(document))
    found = settings("--config-file", str(path))
    assert found.default_address_pools == (("10.10.0.0/16", 24),)
    assert found.default_network_options == (("bridge", ((MTU, "1450"),)),)
    assert not found.icc


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("--default-address-pool=10.10.0.0/16", "want base=CIDR,size=NUMBER"),
        ("--default-address-pool=base=10.10.0.0/16,size=x", "want base=CIDR,size=NUMBER"),
        ("--default-address-pool=base=10.10.0.0/16,size=8", "in pieces of /8"),
        ("--default-address-pool=base=bogus,size=24", "invalid default address pool"),
        ("--default-network-opt=bridge", "want DRIVER=NAME=VALUE"),
    ],
)
def test_nonsense_ends_the_program(word: str, text: str) -> None:
    with pytest.raises(SystemExit, match=text):
        settings(word)
