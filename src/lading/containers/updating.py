"""`docker update`: other limits and another restart policy, while the container runs or not.

What is asked is laid over what is; zero means "as it was". The kernel is told first: what it
refuses is not recorded.
"""

import asyncio
from contextlib import suppress

from msgspec.structs import fields, replace

from lading.containers import devices, limits, publishing, resources, restart
from lading.containers.container import Container
from lading.containers.context import Context
from lading.containers.host_limits import host_limits
from lading.containers.lifecycle import BeingRemoved
from lading.containers.preparation import has_swap_limit
from lading.errors import Conflict, LadingError, SystemFault
from lading.failpoints import fp
from lading.kernel.cgroup import Cgroup, hierarchies
from lading.wire.containers import ContainerUpdate, ContainerUpdated
from lading.wire.host_config import HostConfig, Resources


class Refused(Conflict):
    """Cannot update container {0}: {1}"""


class KernelRefused(SystemFault):
    """Cannot update container {0}: {1}"""


class RestartOfAutoRemoved(Conflict):
    """Restart policy cannot be updated because AutoRemove is enabled for the container"""


_FIXED = frozenset(
    ["cgroup_parent", "devices", "device_cgroup_rules", "device_requests", "ulimits"]
)
_LIVE = tuple(f.name for f in fields(Resources) if f.name not in _FIXED)
_SWAP_TOO = (
    "Memory limit should be smaller than already set memoryswap limit, "
    "update the memoryswap at the same time"
)


def merge(host: HostConfig, asked: ContainerUpdate) -> HostConfig:
    """The host config with the update's limits. Pure; raises Conflict."""
    if host.nano_cpus > 0 and asked.cpu_period:
        raise Conflict(_conflict("CPU Period", "NanoCPUs"))
    if host.nano_cpus > 0 and asked.cpu_quota:
        raise Conflict(_conflict("CPU Quota", "NanoCPUs"))
    if host.cpu_period > 0 and asked.nano_cpus > 0:
        raise Conflict(_conflict("NanoCPUs", "CPU Period"))
    if host.cpu_quota > 0 and asked.nano_cpus > 0:
        raise Conflict(_conflict("NanoCPUs", "CPU Quota"))
    if asked.memory and not asked.memory_swap and 0 < host.memory_swap < asked.memory:
        raise Conflict(_SWAP_TOO)
    changed = {}
    for name in _LIVE:
        value = getattr(asked, name)
        if value:
            changed[name] = value
    if asked.restart_policy.name:
        changed["restart_policy"] = asked.restart_policy
    return replace(host, **changed)


def _conflict(new: str, old: str) -> str:
    return f"Conflicting options: {new} cannot be updated as {old} has already been set"


class Updating:
    """Changes the limits of containers."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def update(self, container: Container, asked: ContainerUpdate) -> ContainerUpdated:
        """Raises InvalidArgument, Refused, RestartOfAutoRemoved, BeingRemoved."""
        asked, warnings = _check(asked)
        async with container.lock:
            record = container.record
            if container.is_removed or record.state.status == "removing":
                raise BeingRemoved(container.id)
            if asked.restart_policy.name and record.is_auto_removed:
                raise RestartOfAutoRemoved
            try:
                host = merge(record.host_config, asked)
            except Conflict as error:
                raise Refused(container.id, error) from error
            after = publishing.changed(replace(record, host_config=host), asked)
            if record.state.is_running:
                await self._apply(container, asked, host)
                await publishing.follow(self._context, container, after)
            fp("update.before-row")
            container.record = replace(container.record, host_config=after.host_config)
            await self._context.save(container, "update")
            fp("update.after-row")
        return ContainerUpdated(warnings=warnings or None)

    async def _apply(self, container: Container, asked: ContainerUpdate, host: HostConfig) -> None:
        """Tell the kernel. Raises KernelRefused with what was set before set back."""
        uses_systemd = self._context.layout.uses_systemd
        group = Cgroup(self._context.cgroup(container), systemd=uses_systemd)
        swap = has_swap_limit(hierarchies())
        before = _limits(container.record.host_config, has_swap_limit=swap)
        changed = _changed(_limits(host, has_swap_limit=swap), before)
        try:
            await asyncio.to_thread(group.update, changed)
        except (LadingError, OSError) as error:
            back = {part: before[part] for part in changed if part in before}
            with suppress(LadingError, OSError):  # the first error is the one to tell
                await asyncio.to_thread(group.update, back)
            raise KernelRefused(container.id, error) from error


def _limits(host: HostConfig, *, has_swap_limit: bool) -> dict[str, object]:
    found = resources.limits(host, has_swap_limit=has_swap_limit)
    if block_io := devices.block_io(host):
        found["blockIO"] = block_io
    return found


def _changed(now: dict[str, object], before: dict[str, object]) -> dict[str, object]:
    """The parts of the limits that an update has to write."""
    return {part: value for part, value in now.items() if value != before.get(part)}


def _check(asked: ContainerUpdate) -> tuple[ContainerUpdate, list[str]]:
    """Refuse what no container may have; what is left, and warnings. Raises InvalidArgument."""
    policy = asked.restart_policy
    restart.check(restart.Policy(policy.name, policy.maximum_retry_count), is_auto_removed=False)
    return limits.check(asked, host_limits(), is_update=True)
