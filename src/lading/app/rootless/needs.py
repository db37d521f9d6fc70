"""What a plain user's engine needs of the host; everything that is missing is told at once."""

import os
import shutil
import stat
from typing import NamedTuple

from lading.kernel import namespaces, subids
from lading.kernel.subids import Range

USUAL_COUNT = 65536
TUN = "/dev/net/tun"


class Ids(NamedTuple):
    """The subordinate ids of the user."""

    uids: list[Range]
    gids: list[Range]


def missing(name: str, ids: Ids, runtime_directory: str) -> list[str]:
    """Sentences, each with what to do about it; none when an engine can run."""
    found = []
    for program in ("newuidmap", "newgidmap"):
        if not _is_privileged(shutil.which(program)):
            found.append(f"{program} is not installed with its rights (Debian: apt install uidmap)")
    for file, ranges, word in (
        ("/etc/subuid", ids.uids, "uids"),
        ("/etc/subgid", ids.gids, "gids"),
    ):
        if not ranges:
            found.append(
                f"{file} has no line for {name} (as root: usermod --add-sub{word} "
                f"100000-{100000 + USUAL_COUNT - 1} {name})"
            )
    if not runtime_directory:
        found.append(
            "XDG_RUNTIME_DIR is not set: a directory of yours that ends with the session, "
            f"usually /run/user/{os.getuid()} (a login makes it, or: loginctl enable-linger)"
        )
    elif not _is_own(runtime_directory):
        found.append(f"XDG_RUNTIME_DIR={runtime_directory} is not a directory of yours")
    if reason := _refusal():
        found.append(reason)
    return found


def _is_privileged(path: str | None) -> bool:
    """Whether a program has what it takes to write maps of ids: set-user-id, or a capability."""
    if path is None:
        return False
    if os.stat(path).st_mode & stat.S_ISUID:
        return True
    try:
        return bool(os.getxattr(path, "security.capability"))
    except OSError:
        return False


def _is_own(path: str) -> bool:
    try:
        status = os.stat(path)
    except OSError:
        return False
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid()


def _refusal() -> str:
    """Why no user namespace can be made, "" if one can: tried, for there are many switches."""
    pid = os.fork()
    if pid == 0:
        code = 0
        try:
            namespaces.unshare(namespaces.CLONE_NEWUSER | namespaces.CLONE_NEWNS)
        except OSError as error:
            code = error.errno or 1
        finally:
            os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if code == 0:
        return ""
    return (
        f"user namespaces cannot be made here: {os.strerror(code).lower()} (see the sysctls "
        "user.max_user_namespaces, kernel.unprivileged_userns_clone and "
        "kernel.apparmor_restrict_unprivileged_userns)"
    )


def read_ids(name: str, uid: int) -> Ids:
    """What the tables of the host give the user."""
    owners = name, str(uid)
    return Ids(subids.read(subids.SUBUID, *owners), subids.read(subids.SUBGID, *owners))
