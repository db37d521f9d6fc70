"""/dev: a tmpfs that is filled before anybody can see it, and the terminal of the container."""

from __future__ import annotations

import errno
import os
import stat

from lading.kernel import mount, safepath, tty
from lading.runtime.operations.mounts import MountFilesystem, attach
from lading.runtime.operations.step import Operation, StepFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lading.runtime.operations.step import Child

# OCI runtime-spec 1.3.0, config-linux.md "Default Devices", runtime-linux.md "Dev symbolic links"
LINKS = (
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
    ("core", "/proc/kcore"),
    ("ptmx", "pts/ptmx"),
)
DIRECTORIES = ("pts", "shm", "mqueue")
PTMX = os.makedev(5, 2)


class Node:
    """A device node: path below the place where it is made, full mode, number, owner."""

    __slots__ = ("device", "gid", "mode", "path", "uid")

    def __init__(self, path: str, mode: int, device: int, uid: int = 0, gid: int = 0) -> None:
        self.path = path
        self.mode = mode
        self.device = device
        self.uid = uid
        self.gid = gid

    def describe(self) -> str:
        kind = "b" if stat.S_ISBLK(self.mode) else "p" if stat.S_ISFIFO(self.mode) else "c"
        return f"{self.path}={kind}{os.major(self.device)}:{os.minor(self.device)}"


def default_nodes() -> list[Node]:
    numbers = {"null": 3, "zero": 5, "full": 7, "random": 8, "urandom": 9}
    nodes = [Node(name, stat.S_IFCHR | 0o666, os.makedev(1, n)) for name, n in numbers.items()]
    return [*nodes, Node("tty", stat.S_IFCHR | 0o666, os.makedev(5, 0))]


def make_node(directory: int, node: Node) -> None:
    """mknod below a directory that nobody else can change yet (umask is 0 in the child)."""
    if "/" in node.path:
        os.close(safepath.mkdir_in_root(directory, node.path.rpartition("/")[0]))
    os.mknod(node.path, node.mode, node.device, dir_fd=directory)
    if node.uid or node.gid:
        os.chown(node.path, node.uid, node.gid, dir_fd=directory, follow_symlinks=False)


class MountDev(MountFilesystem):
    """The tmpfs of /dev with its nodes, links and directories."""

    __slots__ = ("nodes",)

    def describe(self) -> str:
        nodes = " ".join(node.describe() for node in self.nodes)
        return f"{super().describe()} with {nodes}"

    def execute(self, child: Child) -> None:
        tree = self.make(self.options.set & ~mount.MOUNT_ATTR_RDONLY)
        for name in DIRECTORIES:
            os.mkdir(name, 0o755, dir_fd=tree)
        for node in self.nodes:
            make_node(tree, node)
        for name, target in LINKS:
            os.symlink(target, name, dir_fd=tree)
        attach(child, tree, self.destination)

    nodes: list[Node]


class ReadonlyDev(Operation):
    """/dev, once all that belongs in it is there."""

    __slots__ = ()

    def describe(self) -> str:
        return "make /dev read-only"

    def execute(self, child: Child) -> None:
        place = safepath.open_in_root(child.root, "/dev", os.O_PATH, symlinks=False)
        mount.mount_setattr(place, set=mount.MOUNT_ATTR_RDONLY)
        os.close(place)


class MakeDevice(Operation):
    """A node elsewhere than in a /dev of ours; one that is there already is left alone."""

    __slots__ = ("node",)

    def __init__(self, node: Node) -> None:
        self.node = node

    def describe(self) -> str:
        return f"make device {self.node.describe()}"

    def execute(self, child: Child) -> None:
        parent, _, name = self.node.path.rpartition("/")
        directory = safepath.mkdir_in_root(child.root, parent or "/")
        try:
            node = self.node
            os.mknod(name, node.mode, node.device, dir_fd=directory)
            os.chown(name, node.uid, node.gid, dir_fd=directory, follow_symlinks=False)
        except FileExistsError:
            return
        finally:
            os.close(directory)


class MakeLinks(Operation):
    """The links of /dev where it is not a tmpfs of ours; what is there already is left alone."""

    __slots__ = ()

    def describe(self) -> str:
        return "make links in /dev"

    def execute(self, child: Child) -> None:
        directory = safepath.mkdir_in_root(child.root, "/dev")
        for name, target in LINKS:
            try:
                os.symlink(target, name, dir_fd=directory)
            except FileExistsError:
                continue
        os.close(directory)


class BindDevice(Operation):
    """A node of the parent or of the host, where nobody may make one: in a user namespace."""

    __slots__ = ("node", "tree")

    def __init__(self, node: Node, tree: int = -1) -> None:
        self.node = node
        self.tree = tree

    def describe(self) -> str:
        return f"bind device {self.node.describe()}"

    def execute(self, child: Child) -> None:
        tree = self.tree
        if tree < 0:
            tree = mount.open_tree(mount.AT_FDCWD, self.node.path)
        mount.mount_setattr(tree, set=mount.MOUNT_ATTR_NOSUID | mount.MOUNT_ATTR_NOEXEC)
        status = os.stat(tree)
        is_it = (stat.S_IFMT(status.st_mode), status.st_rdev) == (
            stat.S_IFMT(self.node.mode),
            self.node.device,
        )
        if not is_it:
            raise StepFailed(f"the host's {self.node.path} is another device", errno.ENODEV)
        attach(child, tree, self.node.path, is_directory=False)


def open_terminal(root: int) -> tuple[int, int]:
    """(master, terminal) of the devpts that is mounted in the container at /dev/pts.

    Whatever a container put there instead is refused: the master must be device 5:2, and the
    terminal comes from the master itself.
    """
    flags = os.O_RDONLY | os.O_DIRECTORY
    devpts = safepath.open_in_root(root, "/dev/pts", flags, symlinks=False)
    try:
        status = os.stat("ptmx", dir_fd=devpts, follow_symlinks=False)
        if not stat.S_ISCHR(status.st_mode) or status.st_rdev != PTMX:
            raise StepFailed("/dev/pts/ptmx is not a terminal multiplexer", errno.ENOTTY)
        master = tty.open_master(devpts)
    finally:
        os.close(devpts)
    return master, tty.open_peer(master)


class OpenTerminal(Operation):
    """A terminal of the container's own devpts as its stdio, and as /dev/console."""

    __slots__ = ("console", "height", "width")

    def __init__(self, height: int, width: int, *, console: bool) -> None:
        self.height = height
        self.width = width
        self.console = console

    def describe(self) -> str:
        return f"open terminal {self.width}x{self.height}" + (
            " as /dev/console" if self.console else ""
        )

    def execute(self, child: Child) -> None:
        child.master, terminal = open_terminal(child.root)
        if self.height and self.width:
            tty.set_size(terminal, self.height, self.width)
        if self.console:
            attach(child, mount.clone_of(terminal), "/dev/console", is_directory=False)
        child.stdio = (terminal, terminal, terminal)
