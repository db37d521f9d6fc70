"""What the spawner does once before its first fork, so that no child does it for the first time.

CPython readies a built-in type at its first use, quickens a function after some calls, fills
caches of attributes: each writes to pages that forked processes would share otherwise. Without the
rehearsal each monitor has 0.3 MiB more for itself.
"""

from __future__ import annotations

import _socket
import os
import select

from lading.kernel import mount, namespaces, pidfd, process
from lading.kernel.cgroup import Cgroup
from lading.runtime import handover, head, messages, plan

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lading.runtime.spec import Request

ROUNDS = 12  # CPython 3.11 quickens a function at its eighth call


def rehearse(host: plan.Host) -> None:
    """Use what a start uses, without a lasting effect."""
    for _ in range(ROUNDS):
        _messages()
        _plan(host)
        _descriptors()
    _children()


def _messages() -> None:
    """Sockets and the descriptors that travel over them."""
    ours, theirs = messages.pair()
    request = _request()
    messages.send_raw(ours, head.join(head.head_of(request), request), [0, 1])
    datagram, fds = messages.receive_raw(theirs)
    first, _ = head.split(datagram)
    with select.epoll() as epoll:
        epoll.register(theirs.fileno(), select.EPOLLIN)
        given = {"epoll": epoll.fileno(), "connection0": fds[0], "listener": fds[1]}
        facts: handover.Facts = {
            "head": first,
            "pid": 1,
            "connections": [(None, 0)],
            "log": [0, 0, 0, 0],
        }
        handover.sleep(theirs, facts, given)
    size, space = 16384, _socket.CMSG_SPACE(64)
    data, ancillary, _, _ = ours.recvmsg(size, space, _socket.MSG_CMSG_CLOEXEC)
    held = memoryview(ancillary[0][2]).cast("i").tolist()
    handover.wake(data, held)
    select.epoll.fromfd(held[0]).close()
    for descriptor in (*fds, *held[1:]):
        os.close(descriptor)
    messages.send_quietly(ours.fileno(), b"x")
    ours.close()
    theirs.close()


def _request() -> Request:
    mounts = [
        {"destination": "/proc", "type": "proc", "options": ["nosuid", "noexec"]},
        {"destination": "/dev", "type": "tmpfs", "options": ["nosuid", "mode=755"]},
        {"destination": "/sys/fs/cgroup", "type": "cgroup", "options": ["ro"]},
        {"destination": "/etc/hosts", "type": "bind", "source": "/x", "options": ["rprivate"]},
    ]
    request: Request = {
        "id": "rehearsal",
        "directory": "/",
        "overlay": {"lower": ["/a"], "upper": "/b", "work": "/c"},
        "spec": {
            "process": {"args": ["true"], "env": ["A=b"], "capabilities": {"bounding": []}},
            "hostname": "x",
            "mounts": mounts,  # type: ignore[typeddict-item]  # a literal of plain dicts
            "linux": {
                "namespaces": [{"type": kind} for kind in namespaces.FLAGS],
                "cgroupsPath": "/rehearsal",
                "maskedPaths": ["/a"],
                "readonlyPaths": ["/b"],
            },
        },
    }
    return request


def _plan(host: plan.Host) -> None:
    plan.compile(_request(), host, [], seccomp=bytes(8))
    Cgroup("/rehearsal", host.trees)
    pidfd.start_time(os.getpid())


def rehearse_child(host: plan.Host) -> None:
    """What a child that waits for its request does meanwhile: touch the pages it will need."""
    request: Request = messages.decode(messages.encode(_request()))  # type: ignore[assignment,arg-type]
    plan.compile(request, host, [], seccomp=bytes(8))
    _descriptors()


def _descriptors() -> None:
    """The mount calls: a file system is configured, and dropped before it is made."""
    context = mount.fsopen("tmpfs")
    mount.fsconfig_set_string(context, "mode", "755")
    mount.message(context)
    os.close(context)
    ours, theirs = os.pipe2(os.O_CLOEXEC)
    os.close(ours)
    os.close(theirs)


def _children() -> None:
    """Both ways to make a child; each ends at once."""
    for _ in range(2):
        pid = os.fork()
        if pid == 0:
            os._exit(0)
        os.waitpid(pid, 0)
        pid, descriptor = namespaces.clone3(0)
        if pid == 0:
            os._exit(0)
        os.waitpid(pid, 0)
        os.close(descriptor)
    process.prctl(process.PR_SET_PDEATHSIG, 0)
