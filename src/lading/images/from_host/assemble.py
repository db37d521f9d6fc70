"""An image from a list of programs: tree -> tar -> gzip -> blobs -> manifest.

The same host gives the same image: entries are sorted, their times are zero, the compressor is
fixed, and the image was created when its newest file was.

The default image `base` is a shell and what one does in it: those of DEFAULT_TOOLS that the host
has, at their own paths, with their libraries, a passwd and group of our own, and the terminfo of
common terminals.
"""

import os
import stat
import time
from collections.abc import Sequence
from contextlib import suppress

from lading.errors import InvalidArgument
from lading.images.from_host import programs
from lading.images.from_host.loader import Loader
from lading.images.from_host.tree import Item, ProgramNotFound, Tree
from lading.images.leases import Lease
from lading.images.publish import Ready
from lading.oci import config as configs
from lading.oci import digest as digests
from lading.oci import manifest as manifests
from lading.oci import media_types
from lading.oci import platform as platforms
from lading.oci.config import ExecutionConfig, History, ImageConfig, RootFilesystem
from lading.oci.manifest import Descriptor, Manifest
from lading.storage.content import ContentStore
from lading.storage.layers import TarEntry, TarWriter
from lading.storage.layers.compress import Packer
from lading.storage.layers.tar_entry import DIRECTORY, REGULAR, SYMLINK

_DEFAULT_TOOLS = """
    sh bash dash
    ls cat cp mv rm ln mkdir rmdir touch chmod chown stat du df dd find readlink realpath basename
    dirname mktemp sync tee truncate mknod mkfifo
    grep sed awk head tail wc sort uniq cut tr seq printf echo expr test [ diff cmp less
    ps top free kill pgrep pkill sleep timeout nohup nice nproc true false yes
    id whoami groups hostname uname env pwd tty stty date uptime clear tput
    mount umount findmnt lsns unshare setpriv getent
    ip ss nc ping
    tar gzip gunzip xargs sha256sum md5sum od base64 which
"""
DEFAULT_TOOLS = tuple(_DEFAULT_TOOLS.split())
TERMINALS = ("xterm", "xterm-256color", "screen", "tmux-256color", "linux", "vt100", "dumb")
TERMINFO = ("/lib/terminfo", "/usr/share/terminfo", "/etc/terminfo")
PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

PASSWD = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n"
GROUP = "root:x:0:\ntty:x:5:\nnogroup:x:65534:\n"
NSSWITCH = "passwd: files\ngroup: files\nhosts: files dns\n"
SHORT_WAYS = ("/bin", "/sbin", "/lib")  # symlinks into /usr on most hosts; scripts use them
DIRECTORIES = {
    "/dev": 0o755, "/etc": 0o755, "/home": 0o755, "/mnt": 0o755, "/proc": 0o555, "/root": 0o700,
    "/run": 0o755, "/sys": 0o555, "/tmp": 0o1777, "/usr": 0o755, "/var": 0o755, "/var/tmp": 0o1777,
}  # fmt: skip


class NoTools(InvalidArgument):
    """an image needs at least one program"""


def collect(tools: Sequence[str], *, optional: bool = False, root: str = "/") -> Tree:
    """The tree of an image with these tools; with `optional`, those that the host has.

    Raises NoTools, ProgramNotFound, loader.LibraryNotFound.
    """
    tree, loader = Tree(root), Loader(root)
    found: list[str] = []
    for tool in tools:
        try:
            path = programs.locate(tool, root=root)
        except ProgramNotFound:
            if not optional:
                raise
            continue
        programs.add_program(tree, loader, path, root=root)
        found.append(path)
    if not found:
        raise NoTools
    programs.add_opened_by_name(tree, loader, os.path.realpath(found[0]), root=root)
    _add_surroundings(tree)
    return tree


def write_layer(content: ContentStore, tree: Tree, lease: Lease) -> tuple[Descriptor, str]:
    """Store the tree as a gzip layer; returns its descriptor and DiffID."""
    with content.ingest(f"from-host {id(tree)}") as ingest:
        try:
            sink = Packer(ingest.write)
            writer = TarWriter(sink.write)
            for path, item in tree.sorted():
                _write_item(writer, path, item)
            writer.close()
            diff_id, size = sink.finish(), ingest.offset
            digest = ingest.commit()
        except BaseException:
            ingest.abort()
            raise
    lease.add(digest)
    return Descriptor(media_types.LAYER_GZIP, digest, size), diff_id


def write_image(
    content: ContentStore,
    layer: Descriptor,
    diff_id: str,
    *,
    cmd: str,
    created_s: int,
    lease: Lease,
) -> Ready:
    """Store config and manifest of an image with this one layer."""
    created = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(created_s))
    host = platforms.host()
    made_by = f"lading image from-host ({cmd})"
    config = ImageConfig(
        architecture=host.architecture,
        os=host.os,
        variant=host.variant,
        created=created,
        rootfs=RootFilesystem([diff_id]),
        config=ExecutionConfig(env=[PATH], cmd=[cmd], working_dir="/"),
        history=[History(created=created, created_by=made_by)],
    )
    data = configs.encode(config)
    described = Descriptor(media_types.CONFIG, digests.of(data), len(data))
    manifest = Manifest(described, [layer], media_type=media_types.MANIFEST)
    document = manifests.encode(manifest)
    target = Descriptor(media_types.MANIFEST, digests.of(document), len(document))
    lease.add(described.digest, target.digest)
    for blob in (data, document):
        content.write_bytes(blob)
    return Ready(target, manifest, config)


def default_command(tree: Tree, tools: Sequence[str]) -> str:
    """What runs without arguments: the shell if it is there, else the first tool."""
    shells = ("/usr/bin/sh", "/bin/sh")
    return "sh" if any(path in tree.items for path in shells) else tools[0]


def _add_surroundings(tree: Tree) -> None:
    for path in SHORT_WAYS:
        tree.add_directory(path, 0o755)  # where the host has a symlink, the image has it, too
    for path, mode in DIRECTORIES.items():
        tree.add_directory(path, mode)
    tree.add_text("/etc/passwd", PASSWD)
    tree.add_text("/etc/group", GROUP)
    tree.add_text("/etc/nsswitch.conf", NSSWITCH)
    for terminal in TERMINALS:
        for directory in TERMINFO:
            with suppress(ProgramNotFound):
                tree.add_host_file(f"{directory}/{terminal[0]}/{terminal}")


def _write_item(writer: TarWriter, path: str, item: Item) -> None:
    name, permissions = os.fsencode(path.lstrip("/")), stat.S_IMODE(item.mode)
    if stat.S_ISDIR(item.mode):
        writer.add(TarEntry(name, DIRECTORY, mode=permissions))
    elif stat.S_ISLNK(item.mode):
        writer.add(TarEntry(name, SYMLINK, mode=permissions, link=os.fsencode(item.target)))
    elif item.source:
        with open(item.source, "rb", buffering=0) as file:
            size = os.fstat(file.fileno()).st_size
            writer.add(TarEntry(name, REGULAR, size=size, mode=permissions), file)
    else:
        writer.add(TarEntry(name, REGULAR, size=len(item.data), mode=permissions), _Once(item.data))


class _Once:
    """A source of bytes that are in memory."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def read(self, size: int, /) -> bytes:
        piece, self._data = self._data[:size], self._data[size:]
        return piece
