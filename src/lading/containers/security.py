"""The host's security modules, for one engine: what a container gets of each, and loading it."""

import asyncio
import logging

from lading.containers import selinux
from lading.containers.apparmor import AppArmor
from lading.containers.defaults import STOCK, Defaults
from lading.containers.oci_spec import Walls, security_options
from lading.containers.record import ContainerRecord
from lading.kernel import lsm
from lading.kernel import selinux as kernel
from lading.wire.host_config import HostConfig

log = logging.getLogger(__name__)


class Security:
    """AppArmor where the kernel has it, SELinux where the engine was told to use it as well."""

    def __init__(
        self, engine_id: str, *, selinux_enabled: bool = False, defaults: Defaults = STOCK
    ) -> None:
        self._defaults = defaults
        self.apparmor = AppArmor(engine_id)
        self._policy = selinux.Labels()
        if selinux_enabled and lsm.has_selinux():
            self._policy = selinux.Labels(*kernel.container_labels())
        if selinux_enabled and not self._policy.process:
            log.warning("SELinux cannot be enabled: the host has none, or no labels for containers")

    @property
    def has_selinux(self) -> bool:
        return bool(self._policy.process)

    def walls(self, record: ContainerRecord) -> Walls:
        """What the container has, or will have. Raises BadLabelOption."""
        labels = selinux.labels(record.host_config, self._policy, record.selinux_level)
        host = record.host_config
        return Walls(
            self.apparmor.profile_of(host),
            *labels,
            no_new_privileges=_no_new_privileges(host, default=self._defaults.no_new_privileges),
        )

    async def prepare(self, record: ContainerRecord) -> Walls:
        """The same, for a process that is about to start: profiles are loaded.

        Raises BadLabelOption, ProfileNotLoaded.
        """
        if self.apparmor.is_enabled:
            await asyncio.to_thread(self.apparmor.ensure, record.host_config)
        return self.walls(record)

    def new_level(self, container_id: str, others: set[str]) -> str:
        """The categories of a new container; "" without SELinux."""
        return selinux.new_level(container_id, others) if self.has_selinux else ""

    def options(self) -> list[str]:
        """What `SecurityOptions` of `info` begins with, in Docker's order."""
        return [
            *(["name=apparmor"] if self.apparmor.is_enabled else []),
            f"name=seccomp,profile={self._defaults.seccomp_profile}",
            *(["name=selinux"] if self.has_selinux else []),
        ]

    def warnings(self) -> list[str]:
        """What of that does not protect, for `info`."""
        is_default = self._defaults.seccomp_profile == "builtin"
        seccomp = "" if is_default else "WARNING: daemon is not using the default seccomp profile"
        return [text for text in (self.apparmor.warning(), seccomp) if text]


def _no_new_privileges(host: HostConfig, *, default: bool) -> bool:
    """What the last --security-opt about it says, or else the engine."""
    said = [value for word, value in security_options(host) if word == "no-new-privileges"]
    return said[-1].lower() in ("", "true", "t", "1") if said else default
