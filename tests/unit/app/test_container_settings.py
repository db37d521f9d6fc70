"""Flags and keys about all containers, and what of them cannot be."""

import pytest

from lading.app import ladingd
from lading.app.container_settings import container_defaults, foreign_runtimes
from lading.containers.defaults import STOCK, Defaults, Modes
from lading.wire.host_config import Ulimit


def test_without_settings_all_is_as_docker_has_it() -> None:
    assert container_defaults({}) == STOCK


def test_flags_reach_the_containers() -> None:
    words = (
        "--no-new-privileges --seccomp-profile unconfined --init --init-path /bin/tini "
        "--default-ulimit nofile=900:1000 --dns 9.9.9.9 --dns-search a.b. --dns-opt ndots:3 "
        "--default-shm-size 32m --default-ipc-mode shareable --default-cgroupns-mode host "
        "--host-gateway-ip 10.1.1.1 --host-gateway-ip fd00::1 --default-runtime lading"
    )
    assert container_defaults(ladingd.settings(words.split(" "))) == Defaults(
        modes=Modes(32 << 20, "shareable", "host", "lading"),
        ulimits=(Ulimit(name="nofile", soft=900, hard=1000),),
        no_new_privileges=True,
        seccomp_profile="unconfined",
        init=True,
        init_path="/bin/tini",
        dns=("9.9.9.9",),
        dns_search=("a.b",),
        dns_options=("ndots:3",),
        host_gateways=("10.1.1.1", "fd00::1"),
    )


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"default_ipc_mode": "host"}, 'IPC mode "host" is not supported as default value'),
        ({"default_ipc_mode": "zz"}, "default IPC mode setting"),
        ({"default_cgroupns_mode": "zz"}, "invalid default cgroup namespace"),
        ({"default_shm_size": "zz"}, "invalid size: 'zz'"),
        ({"default_runtime": "kata"}, 'specified default runtime "kata" does not exist'),
        ({"default_ulimit": ["zz=1"]}, "invalid ulimit type: zz"),
        ({"default_ulimit": ["nofile=2:1"]}, "must be less than or equal to hard limit"),
        ({"dns": ["zz"]}, "invalid IP address: zz"),
        ({"dns_search": ["a b"]}, "a b is not a valid domain"),
        ({"dns_search": [""]}, " is not a valid domain"),
        ({"host_gateway_ip": ["10.0.0.1", "10.0.0.2"]}, "only one IPv4 host gateway"),
        ({"host_gateway_ip": ["fd::1", "fd::2"]}, "only one IPv6 host gateway"),
    ],
)
def test_what_cannot_be_is_refused(given: dict[str, object], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        container_defaults(given)


def test_a_single_dot_searches_nowhere() -> None:
    assert container_defaults({"dns_search": ["."]}).dns_search == (".",)


def test_runtimes_that_are_not_ours_are_known_by_name() -> None:
    assert foreign_runtimes({"add_runtime": ["kata=/x", "runc=/y", "lading=/z"]}) == ["kata"]
