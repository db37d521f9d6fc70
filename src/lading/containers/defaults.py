"""What the engine gives to containers that say nothing themselves: dockerd's daemon-wide defaults.

When each is decided is dockerd's choice, and shows in `inspect`: limits, sizes and modes at create
(`at_create`, they are written to the record); names, init and seccomp at each start. That processes
gain no privileges is decided at the start as well, so that who sets it need not make all anew.
"""

from collections.abc import Sequence
from typing import NamedTuple

from msgspec import UNSET
from msgspec.structs import replace

from lading.wire.host_config import HostConfig, Ulimit

SHM_SIZE = 64 * 1024 * 1024  # Docker's default, HostConfig.ShmSize


class Modes(NamedTuple):
    """Those that may change while the engine runs."""

    shm_size_bytes: int = SHM_SIZE
    ipc: str = "private"  # or "shareable"
    cgroupns: str = "private"  # or "host"
    runtime: str = "runc"


class Defaults(NamedTuple):
    """All of them; empty is as if nothing was said."""

    modes: Modes = Modes()
    ulimits: tuple[Ulimit, ...] = ()
    no_new_privileges: bool = False
    seccomp_profile: str = "builtin"  # or "unconfined", or a file's path
    init: bool = False
    init_path: str = ""
    dns: tuple[str, ...] = ()
    dns_search: tuple[str, ...] = ()
    dns_options: tuple[str, ...] = ()
    host_gateways: tuple[str, ...] = ()  # IPv4, IPv6 or both

    def at_create(self, host: HostConfig) -> HostConfig:
        """What is asked for, filled up."""
        named = {limit.name for limit in host.ulimits or []}
        more = [limit for limit in self.ulimits if limit.name not in named]
        return replace(
            host,
            ipc_mode=host.ipc_mode or self.modes.ipc,
            cgroupns_mode=host.cgroupns_mode or self.modes.cgroupns,
            shm_size=host.shm_size or self.modes.shm_size_bytes,
            runtime=host.runtime or self.modes.runtime,
            ulimits=[*(host.ulimits or []), *more] if more else host.ulimits,
        )

    def wants_init(self, host: HostConfig) -> bool:
        """Whether an init goes before the program; one that is not pid 1 would reap nothing."""
        asked = self.init if host.init is UNSET else bool(host.init)
        return asked and not host.pid_mode

    def resolver(self, host: HostConfig) -> "Resolver":
        """Whom the container asks for names."""
        return Resolver(
            host.dns or self.dns,
            host.dns_search or self.dns_search,
            host.dns_options or self.dns_options,
        )


STOCK = Defaults()  # when nothing is said


class Resolver(NamedTuple):
    """Name servers, domains to search and options, as resolv.conf has them."""

    servers: Sequence[str]
    search: Sequence[str]
    options: Sequence[str]
