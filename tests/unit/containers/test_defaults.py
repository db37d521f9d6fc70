"""What containers get that say nothing: at create, and at each start."""

from lading.containers.defaults import STOCK, Defaults, Modes
from lading.wire.host_config import HostConfig, Ulimit

NOFILE = Ulimit(name="nofile", soft=900, hard=1000)
FULL = Defaults(
    modes=Modes(1 << 20, "shareable", "host", "lading"),
    ulimits=(NOFILE,),
    init=True,
    dns=("9.9.9.9",),
    dns_search=("a.b",),
    dns_options=("ndots:3",),
)


def test_who_says_nothing_gets_what_docker_gives() -> None:
    found = STOCK.at_create(HostConfig())
    assert (found.ipc_mode, found.cgroupns_mode, found.runtime) == ("private", "private", "runc")
    assert found.shm_size == 64 << 20
    assert found.ulimits is None


def test_who_says_nothing_gets_what_the_engine_was_told() -> None:
    found = FULL.at_create(HostConfig())
    assert (found.ipc_mode, found.cgroupns_mode, found.runtime) == ("shareable", "host", "lading")
    assert found.shm_size == 1 << 20
    assert found.ulimits == [NOFILE]


def test_what_a_container_asks_for_goes_before() -> None:
    own = Ulimit(name="nofile", soft=1, hard=1)
    asked = HostConfig(
        ipc_mode="none", cgroupns_mode="private", shm_size=5, ulimits=[own], runtime="runc"
    )
    assert FULL.at_create(asked) == asked


def test_limits_of_other_names_are_added() -> None:
    own = Ulimit(name="nproc", soft=1, hard=1)
    assert FULL.at_create(HostConfig(ulimits=[own])).ulimits == [own, NOFILE]


def test_an_init_is_for_who_does_not_refuse_it_and_is_pid_1() -> None:
    assert FULL.wants_init(HostConfig())
    assert not FULL.wants_init(HostConfig(init=False))
    assert not FULL.wants_init(HostConfig(pid_mode="host"))
    assert STOCK.wants_init(HostConfig(init=True))
    assert not STOCK.wants_init(HostConfig())


def test_each_part_of_the_resolver_has_its_own_default() -> None:
    found = FULL.resolver(HostConfig(dns=["1.1.1.1"], dns_search=[]))
    assert found == (["1.1.1.1"], ("a.b",), ("ndots:3",))
