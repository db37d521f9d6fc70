"""Capabilities: the 41 names, Docker's default set, and the calls that set them.

A set is an int, bit n for capability n, as the kernel has it in /proc/self/status.
Order in a child: bounding set first (needs CAP_SETPCAP), then ids with PR_SET_KEEPCAPS, then
capset, then the ambient set (which must be in both permitted and inheritable).
man 7 capabilities; names: include/uapi/linux/capability.h.
"""

from __future__ import annotations

from lading.errors import InvalidArgument
from lading.kernel import process

TYPE_CHECKING = False  # the name that type checkers know; `typing` is not loaded for it
if TYPE_CHECKING:
    from collections.abc import Iterable

_IN_ORDER = """
    chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap linux_immutable
    net_bind_service net_broadcast net_admin net_raw ipc_lock ipc_owner sys_module sys_rawio
    sys_chroot sys_ptrace sys_pacct sys_admin sys_boot sys_nice sys_resource sys_time
    sys_tty_config mknod lease audit_write audit_control setfcap mac_override mac_admin syslog
    wake_alarm block_suspend audit_read perfmon bpf checkpoint_restore
"""
NAMES = tuple("CAP_" + name.upper() for name in _IN_ORDER.split())
BITS = {name: bit for bit, name in enumerate(NAMES)}

# Docker's default, in its order (moby daemon/pkg/oci/caps/defaults.go).
DEFAULT = (
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_FSETID",
    "CAP_FOWNER",
    "CAP_MKNOD",
    "CAP_NET_RAW",
    "CAP_SETGID",
    "CAP_SETUID",
    "CAP_SETFCAP",
    "CAP_SETPCAP",
    "CAP_NET_BIND_SERVICE",
    "CAP_SYS_CHROOT",
    "CAP_KILL",
    "CAP_AUDIT_WRITE",
)

_last_cap: int | None = None


class UnknownCapability(InvalidArgument):
    """invalid {0}: unknown capability: "{1}\""""


def last_cap() -> int:
    """The highest capability this kernel knows; read once."""
    global _last_cap
    if _last_cap is None:
        with open("/proc/sys/kernel/cap_last_cap", "rb", buffering=0) as file:
            _last_cap = int(file.read())
    return _last_cap


def known() -> tuple[str, ...]:
    """All capabilities that both this table and the running kernel have: what ALL means."""
    return NAMES[: last_cap() + 1]


def available() -> tuple[str, ...]:
    """The known ones that this process may hand on: in a sandbox not all of root's."""
    with open("/proc/self/status", encoding="ascii") as file:  # man 5 proc_pid_status, CapBnd
        bounding = next(line for line in file if line.startswith("CapBnd:"))
    return tuple(to_names(int(bounding.split()[1], 16)))


def to_mask(names: Iterable[str]) -> int:
    """The set as an int. Names that this kernel does not have are left out, as runc does."""
    mask = 0
    for name in names:
        mask |= 1 << BITS.get(name, 63)
    return mask & (2 << last_cap()) - 1


def to_names(mask: int) -> list[str]:
    """The names in a set, in the kernel's order; bits without a name are left out."""
    return [name for bit, name in enumerate(NAMES) if mask >> bit & 1]


def normalize(name: str, *, option: str) -> str:
    """`sys_admin`, `Cap_Sys_Admin` -> `CAP_SYS_ADMIN`; `all` -> `ALL`.

    `option` (CapAdd or CapDrop) goes into the text of UnknownCapability.
    """
    upper = name.upper()
    if upper == "ALL":
        return upper
    full = upper if upper.startswith("CAP_") else "CAP_" + upper
    if full not in BITS:
        raise UnknownCapability(option, full)
    return full


def tweak(
    add: Iterable[str], drop: Iterable[str], *, base: Iterable[str] = DEFAULT
) -> tuple[str, ...]:
    """What is left after --cap-add and --cap-drop, as dockerd decides it.

    Added ALL is everything but what is dropped by name; else dropped ALL leaves what is added by
    name; else drops go first and adds after, so adding wins. Raises UnknownCapability.
    """
    added = [normalize(name, option="CapAdd") for name in add]
    dropped = [normalize(name, option="CapDrop") for name in drop]
    if "ALL" in added:
        return tuple(name for name in known() if name not in dropped)
    kept = [] if "ALL" in dropped else [name for name in base if name not in dropped]
    return tuple(dict.fromkeys(kept + added))


def drop_bounding(keep: int) -> None:
    """Take everything but `keep` out of the bounding set: one prctl for each that goes."""
    for bit in range(last_cap() + 1):
        if not keep >> bit & 1:
            process.prctl(process.PR_CAPBSET_DROP, bit)


def capset(effective: int, permitted: int, inheritable: int) -> None:
    """Set the three sets of this thread in one call. man 2 capset."""
    process.capset(effective, permitted, inheritable)


def set_ambient(mask: int) -> None:
    """Make the ambient set `mask`; each must be permitted and inheritable already, else EPERM."""
    process.prctl(process.PR_CAP_AMBIENT, process.PR_CAP_AMBIENT_CLEAR_ALL)
    for bit in range(last_cap() + 1):
        if mask >> bit & 1:
            process.prctl(process.PR_CAP_AMBIENT, process.PR_CAP_AMBIENT_RAISE, bit)
