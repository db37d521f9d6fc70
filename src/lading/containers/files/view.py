"""A thread that sees a container's file system: for it, "/" is the container's root.

    running      the thread joins the mount namespace of the first process: with tmpfs and volumes
    not running  a mount namespace of the thread's own: the overlay, and what is mounted in it

Even a link that a container swaps in the middle of the work leads to a file of the container, for
the thread knows no other. Nothing is mounted that the host could see, and when the thread ends, by
itself or with the engine, the kernel takes all of it back. man 7 mount_namespaces, man 2 setns.
"""

import os
import stat
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import NamedTuple, Protocol, TypeVar

from lading.containers.files import serving
from lading.containers.oci_spec import Bind
from lading.kernel import capabilities, filesystem, mount, namespaces, pidfd, process, safepath
from lading.runtime.operations.rootfs import MountOverlay
from lading.runtime.operations.sources import clone_image, clone_source
from lading.storage.snapshots import Overlay

T = TypeVar("T")
THREAD = "container-files"
_ROOT = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC


class View(Protocol):
    """A way to a container's file system."""

    def enter(self) -> int:
        """Change this thread's root for ever; returns a descriptor (O_PATH) of it."""


class RunningView(NamedTuple):
    """What the processes of a running container see."""

    pid: int
    start_time: int  # with the pid, who is meant
    owner: tuple[int, int] | None = None  # of files made here: root of its user namespace

    def enter(self) -> int:
        """Raises ProcessLookupError when it has ended."""
        init = pidfd.open_started(self.pid, self.start_time)
        try:
            namespaces.unshare(namespaces.CLONE_FS)  # a root and directory of this thread alone
            namespaces.setns(init, namespaces.CLONE_NEWNS)
        finally:
            os.close(init)
        if self.owner is not None:
            # through its id-mapped root nobody makes a file whose ids are not mapped
            mask = capabilities.to_mask(capabilities.available())
            process.set_fs_ids(*self.owner)
            process.capset(mask, mask, 0)
        return os.open("/", _ROOT)


class RestingView(NamedTuple):
    """The writable layer on its image, with what will be mounted in it.

    Without an upper directory nothing that is there can change: the container's own is then the
    first of `lower`, so the view may exist beside a run that begins meanwhile.
    """

    directory: str  # an empty place of ours to mount on
    overlay: Overlay
    binds: Sequence[Bind] = ()

    def enter(self) -> int:
        """Raises OSError."""
        namespaces.unshare(namespaces.CLONE_NEWNS)
        mount.mount("none", "/", "", mount.MS_REC | mount.MS_PRIVATE)
        sources = [_clone(bind) for bind in self.binds]
        try:
            root = self._mount()
            os.fchdir(root)
            os.chroot(".")
            for bind, source in zip(self.binds, sources, strict=True):
                if source is not None:
                    _attach(root, bind, source)
            return root
        finally:
            for source in sources:
                if source is not None:
                    os.close(source)

    def _mount(self) -> int:
        overlay = self.overlay
        if not overlay.upper:
            upper, work = _scratch(self.directory, overlay.lower[0])
            overlay = overlay._replace(upper=upper, work=work)
        if overlay.server and overlay.lower:
            root = serving.attach(overlay, self.directory)
        else:
            lower, upper, work, userxattr, _ = overlay
            root = MountOverlay(self.directory, lower, upper, work, userxattr=userxattr).mount()
        try:
            return safepath.openat2(root, ".", _ROOT)
        finally:
            os.close(root)  # or the mount would outlive its namespace


def _scratch(directory: str, top: str) -> tuple[str, str]:
    """An upper directory in memory, for mount points that the container lacks.

    The merged root looks like the upper one, so that is made to look like the layer below.
    """
    mount.mount("tmpfs", directory, "tmpfs", 0, "mode=700,size=1m")
    upper, work = f"{directory}/upper", f"{directory}/work"
    os.mkdir(upper, 0o755)
    os.mkdir(work, 0o700)
    status = os.stat(top)
    os.chown(upper, status.st_uid, status.st_gid)
    os.chmod(upper, status.st_mode & 0o7777)
    os.utime(upper, ns=(status.st_mtime_ns, status.st_mtime_ns))
    return upper, work


def _clone(bind: Bind) -> int | None:
    """A detached copy of a bind's source; None when it has gone."""
    try:
        source = _source(bind)
    except FileNotFoundError:
        return None
    mount.mount_setattr(source, propagation=mount.MS_PRIVATE, recursive=True)
    if "ro" in bind.options:
        mount.mount_setattr(source, set=mount.MOUNT_ATTR_RDONLY, recursive="rro" in bind.options)
    return source


def _source(bind: Bind) -> int:
    if bind.layers:
        return clone_image(list(bind.layers), bind.subpath)
    recursive = "rbind" in bind.options
    return clone_source(bind.source, bind.subpath, recursive=recursive)


def _attach(root: int, bind: Bind, source: int) -> None:
    is_directory = stat.S_ISDIR(os.fstat(source).st_mode)
    make = safepath.mkdir_in_root if is_directory else safepath.touch_in_root
    target = make(root, bind.destination)
    try:
        mount.move_mount(source, target)
    finally:
        os.close(target)


def run_in(view: View, work: Callable[[int], T]) -> "Future[T]":
    """Do `work(root)` in a new thread that has entered the view; the thread ends with it."""
    future: Future[T] = Future()

    def thread() -> None:
        try:
            root = view.enter()
            try:
                result = work(root)
            finally:
                os.close(root)
        except BaseException as error:  # told to whoever waits
            future.set_exception(error)
        else:
            future.set_result(result)

    threading.Thread(target=thread, name=THREAD, daemon=True).start()
    return future


def is_kernels_own(directory: int) -> bool:
    """Whether a directory is of procfs, sysfs or their kin, where reading is asking the kernel."""
    return filesystem.type_of(directory) in _KERNELS_OWN


# include/uapi/linux/magic.h: proc, sysfs, cgroup, cgroup2, devpts, debugfs, tracefs, bpf,
# securityfs, mqueue
_KERNELS_OWN = frozenset([
    0x9FA0, 0x62656572, 0x27E0EB, 0x63677270, 0x1CD1, 0x64626720, 0x74726163, 0xCAFE4A11,
    0x73636673, 0x19800202,
])  # fmt: skip


class _NoImports:
    """Refuses to import in a thread whose "/" is a container's: the code would be the container's.

    dockerd had that hole with the C library's plug-ins, CVE-2019-14271.
    """

    def find_spec(self, name: str, path: object, target: object = None) -> None:
        """Raises ImportError in such a thread; otherwise knows nothing."""
        if threading.current_thread().name == THREAD:
            raise ImportError(f"{name} would be loaded from a container's root")


sys.meta_path.insert(0, _NoImports())
