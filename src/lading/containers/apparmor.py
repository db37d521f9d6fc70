"""The AppArmor profile of containers: its text, when it is loaded, and which a container gets.

Each engine has a profile with its own name, so that none takes away another's. It means what
Docker's default profile means: everything may be done that the other walls let through, except to
mount, to write to what is the host's in /proc and /sys, and to touch processes outside.
man 5 apparmor.d.
"""

import logging
import threading

from lading.containers.oci_spec import security_options
from lading.errors import LadingError, SystemFault
from lading.kernel import apparmor, lsm
from lading.wire.host_config import HostConfig

UNCONFINED = "unconfined"
DEFAULTS = ("docker-default", "lading-default")  # words for the engine's own
# the parts of /proc and /sys that belong to the container's namespaces, or are harmless there
OWN_SYSCTL = "kernel/shm"
OWN_SYS = "fs/cgroup/"
log = logging.getLogger(__name__)


class ProfileNotLoaded(SystemFault):
    """AppArmor enabled on system but the {0} profile could not be loaded: {1}"""


def name_of(engine_id: str) -> str:
    """The profile of one engine."""
    return f"lading-default-{engine_id}"


def others(place: str, own: str) -> list[str]:
    """Patterns for all paths below `place` but those that begin with `own`, by their first
    character that differs: `[^f]**`, `f[^s]**`, ...
    """
    return [f"{place}{own[:at]}[^{letter}]**" for at, letter in enumerate(own)]


def profile(name: str) -> str:
    """The profile's text."""
    not_pids = ["/proc/[^0-9s]**", "/proc/s[^y]**", "/proc/sy[^s]**", "/proc/sys[^/]**"]
    rules = [
        "# what is not forbidden below is left to capabilities, seccomp and namespaces",
        "network,",
        "capability,",
        "file,",
        "umount,",
        "# a flaw of the kernel's made it a way to write to files that can only be read",
        "deny network alg,",
        "# no mount at all, so that nothing is hidden and nothing shown by one",
        "deny mount,",
        "# only who is in the same kind of container, and the host",
        "signal (receive) peer=unconfined,",
        f"signal (send, receive) peer={name},",
        f"ptrace (trace, read, tracedby, readby) peer={name},",
        "# of /proc only directories of processes, and a part of /proc/sys",
        "deny /proc/* w,",
        *(f"deny {each} w," for each in not_pids),
        *(f"deny {each} w," for each in others("/proc/sys/", OWN_SYSCTL)),
        "deny /proc/kcore rwklx,",
        "deny /proc/sysrq-trigger rwklx,",
        "# of /sys only the cgroups",
        *(f"deny {each} wklx," for each in others("/sys/", OWN_SYS)),
        "deny /sys/firmware/** rwklx,",
        "deny /sys/devices/virtual/powercap/** rwklx,",
        "deny /sys/kernel/security/** rwklx,",
    ]
    body = "\n".join(f"  {rule}" for rule in rules)
    return f"profile {name} flags=(attach_disconnected,mediate_deleted) {{\n{body}\n}}\n"


def chosen(host: HostConfig, default: str) -> str:
    """The profile of a container where AppArmor is enabled; the last option that names one wins."""
    if host.privileged:
        return UNCONFINED
    asked = [value for word, value in security_options(host) if word == "apparmor" and value]
    if not asked or asked[-1] in DEFAULTS:
        return default
    return asked[-1]


class AppArmor:
    """What one engine has to do with AppArmor on this host."""

    def __init__(self, engine_id: str) -> None:
        self._lock = threading.Lock()
        self._policy = b""  # compiled, once it was needed
        self.is_enabled = lsm.has_apparmor()
        self._obstacle = apparmor.obstacle()
        self.default = name_of(engine_id)

    def warning(self) -> str:
        """For `info`, where containers go without: "" when all is well, or there is no AppArmor."""
        if not self.is_enabled or not self._obstacle:
            return ""
        return f"WARNING: containers run without an AppArmor profile: {self._obstacle}"

    def profile_of(self, host: HostConfig) -> str:
        """The profile of a container, "" on a host without AppArmor."""
        if not self.is_enabled:
            return ""
        return chosen(host, UNCONFINED if self._obstacle else self.default)

    def ensure(self, host: HostConfig) -> str:
        """The same, and if it is ours the kernel has it when this returns. Blocks.

        Loaded at the first use, as it may have changed with our version, and again if something
        has removed it. Raises ProfileNotLoaded.
        """
        name = self.profile_of(host)
        if name == self.default:
            with self._lock:
                self._load()
        return name

    def is_missing(self) -> bool:
        """Whether a profile that we have loaded is gone: its containers are unconfined."""
        return bool(self._policy) and self.default not in apparmor.loaded()

    def reload(self) -> None:
        """Give the kernel what it has lost. Raises ProfileNotLoaded."""
        with self._lock:
            self._load()

    def remove(self) -> None:
        """Take our profile out of the kernel; for an engine without running containers."""
        if self.is_enabled and not self._obstacle:
            apparmor.remove(self.default)

    def _load(self) -> None:
        try:
            if not self._policy:
                policy = apparmor.compile(profile(self.default))
                apparmor.load(self.default, policy)
                self._policy = policy
            elif self.default not in apparmor.loaded():
                log.warning("the AppArmor profile %s was removed; it is loaded again", self.default)
                apparmor.load(self.default, self._policy)
        except LadingError as error:
            raise ProfileNotLoaded(self.default, error) from error
