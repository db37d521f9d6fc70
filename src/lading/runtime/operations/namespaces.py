"""Joining namespaces and cgroups, and giving the new ones their names and settings."""

from __future__ import annotations

import _socket
import errno
import fcntl
import os
import struct

from lading.kernel import namespaces, process, safepath
from lading.kernel.cgroup import Cgroup
from lading.runtime.operations.step import Operation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lading.kernel.cgroup import Hierarchies
    from lading.runtime.operations.step import Child

SIOCSIFFLAGS = 0x8914  # include/uapi/linux/sockios.h
IFF_UP = 1
SWAPPED = str.maketrans("./", "/.")  # a slash in a key stands for a dot in a name


class WaitForCgroup(Operation):
    """The starter makes the v1 groups meanwhile; it sends a byte, or hangs up when it cannot."""

    __slots__ = ("path", "resources")

    def __init__(self, path: str, resources: dict[str, object]) -> None:
        self.path = path
        self.resources = resources

    def describe(self) -> str:
        limits = " ".join(sorted(name for name, value in self.resources.items() if value))
        return f"wait for cgroup {self.path}" + (f" limiting {limits}" if limits else "")

    def execute(self, child: Child) -> None:
        if not child.sync.recv(1):
            os._exit(1)


class JoinCgroup(Operation):
    """Put itself into the v1 hierarchies: "0" written to `tasks` needs no RCU grace period."""

    __slots__ = ("path", "trees")

    def __init__(self, path: str, trees: Hierarchies) -> None:
        self.path = path
        self.trees = trees

    def describe(self) -> str:
        return f"join cgroup {self.path}"

    def execute(self, child: Child) -> None:
        for descriptor in Cgroup(self.path, self.trees).join_files():
            os.write(descriptor, b"0")
            os.close(descriptor)


class EnterCgroup(Operation):
    """The same by `tasks` files that somebody opened who has the right to."""

    __slots__ = ("descriptors", "path")

    def __init__(self, path: str, descriptors: list[int]) -> None:
        self.path = path
        self.descriptors = descriptors

    def describe(self) -> str:
        return f"join cgroup {self.path}"

    def execute(self, child: Child) -> None:
        for descriptor in self.descriptors:
            os.write(descriptor, b"0")
            os.close(descriptor)


class UnshareCgroup(Operation):
    """Only after the join: the new namespace's root is the cgroup in which we are now."""

    __slots__ = ()

    def describe(self) -> str:
        return "unshare cgroup namespace"

    def execute(self, child: Child) -> None:
        namespaces.unshare(namespaces.CLONE_NEWCGROUP)


class JoinNamespace(Operation):
    """Enter an existing namespace, given as an open descriptor or as a path on the host."""

    __slots__ = ("descriptor", "flag", "kind", "path")

    def __init__(self, kind: str, flag: int, *, path: str = "", descriptor: int = -1) -> None:
        self.kind = kind
        self.flag = flag
        self.path = path
        self.descriptor = descriptor

    def describe(self) -> str:
        return f"join {self.kind} namespace {self.path or 'by descriptor'}"

    def execute(self, child: Child) -> None:
        descriptor = self.descriptor
        if descriptor < 0:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        namespaces.setns(descriptor, self.flag)


class JoinContainer(Operation):
    """Enter all namespaces of a running container at once, for exec. man 2 setns (a pidfd)."""

    __slots__ = ("flags", "pidfd")

    def __init__(self, pidfd: int, flags: int) -> None:
        self.pidfd = pidfd
        self.flags = flags

    def describe(self) -> str:
        return f"join the container's namespaces {self.flags:x}"

    def execute(self, child: Child) -> None:
        namespaces.setns(self.pidfd, self.flags)
        if self.flags & namespaces.CLONE_NEWUSER:
            process.set_ids(0, 0, None)
            process.prctl(process.PR_SET_DUMPABLE, 0)  # whatever fs.suid_dumpable says
        child.take_root(os.open("/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC))


class BringLoopbackUp(Operation):
    """A new network namespace has `lo`, but down."""

    __slots__ = ()

    def describe(self) -> str:
        return "bring lo up"

    def execute(self, child: Child) -> None:
        bring_loopback_up()


def bring_loopback_up() -> None:
    """man 7 netdevice."""
    probe = _socket.socket(_socket.AF_INET, _socket.SOCK_DGRAM | _socket.SOCK_CLOEXEC)
    request = struct.pack("16sh22x", b"lo", IFF_UP)  # struct ifreq
    fcntl.ioctl(probe.fileno(), SIOCSIFFLAGS, request)
    probe.close()


class SetHostname(Operation):
    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def describe(self) -> str:
        return f"set hostname {self.name}"

    def execute(self, child: Child) -> None:
        process.sethostname(self.name)


class SetDomainname(Operation):
    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def describe(self) -> str:
        return f"set domainname {self.name}"

    def execute(self, child: Child) -> None:
        process.setdomainname(self.name)


class SetSysctl(Operation):
    """One kernel setting of a namespace of ours; `plan` admits no others."""

    __slots__ = ("key", "value")

    def __init__(self, key: str, value: str) -> None:
        self.key = key
        self.value = value

    def describe(self) -> str:
        return f"set sysctl {self.key}={self.value}"

    def execute(self, child: Child) -> None:
        path = "sys/" + self.key.translate(SWAPPED)
        descriptor = safepath.proc_open(path, os.O_WRONLY)
        os.write(descriptor, self.value.encode())
        os.close(descriptor)


class NewSession(Operation):
    """A session of its own, and a keyring that shows nothing of the caller's keys."""

    __slots__ = ("keyring",)

    def __init__(self, keyring: str | None) -> None:
        self.keyring = keyring

    def describe(self) -> str:
        return "new session" + (f" with keyring {self.keyring}" if self.keyring else "")

    def execute(self, child: Child) -> None:
        os.setsid()
        if self.keyring is None:
            return
        try:
            process.join_session_keyring(self.keyring)
        except OSError as error:
            # no keys in this kernel, or the user's quota is full: a container can do without
            if error.errno not in (errno.ENOSYS, errno.EPERM, errno.EDQUOT):
                raise
