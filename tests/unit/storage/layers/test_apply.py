"""Layers become trees as the image specification says, and no archive reaches outside of one."""

import hashlib
import io
import os
import shutil
import stat
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lading import errors
from lading.kernel import mount
from lading.storage.durable import DiskFull
from lading.storage.layers import whiteout
from lading.storage.layers.apply import Applied, HostileArchive, apply_layer
from lading.storage.layers.limits import LimitExceeded, Limits
from lading.storage.layers.tar_entry import (
    BLOCK,
    CHARACTER,
    DIRECTORY,
    FIFO,
    HARDLINK,
    SYMLINK,
    TarEntry,
)
from lading.storage.layers.tar_header import BadTar
from lading.storage.layers.tar_writer import TarWriter

Member = TarEntry | tuple[TarEntry, bytes]


def file(path: str, data: bytes = b"data", **fields: object) -> tuple[TarEntry, bytes]:
    return TarEntry(path.encode(), size=len(data), **fields), data  # type: ignore[arg-type]


def directory(path: str, mode: int = 0o755, **fields: object) -> TarEntry:
    return TarEntry(path.encode(), DIRECTORY, mode=mode, **fields)  # type: ignore[arg-type]


def symlink(path: str, link: str) -> TarEntry:
    return TarEntry(path.encode(), SYMLINK, mode=0o777, link=link.encode())


def hardlink(path: str, link: str) -> TarEntry:
    return TarEntry(path.encode(), HARDLINK, link=link.encode())


def archive(*members: Member) -> bytes:
    buffer = io.BytesIO()
    writer = TarWriter(buffer.write)
    for member in members:
        entry, data = member if isinstance(member, tuple) else (member, b"")
        writer.add(entry, io.BytesIO(data))
    writer.close()
    return buffer.getvalue()


class Layers:
    """A chain of unpacked layers in a temporary directory."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.trees: list[Path] = []  # top first

    def apply(self, *members: Member, chain: bool = True, limits: Limits | None = None) -> Applied:
        return self.apply_raw(archive(*members), chain=chain, limits=limits)

    def apply_raw(self, raw: bytes, *, chain: bool = True, limits: Limits | None = None) -> Applied:
        tree = self.root / f"{len(self.trees)}"
        tree.mkdir()
        lowers = [os.open(path, os.O_RDONLY | os.O_DIRECTORY) for path in self.trees]
        target = os.open(tree, os.O_RDONLY | os.O_DIRECTORY)
        self.trees.insert(0, tree)
        try:
            return apply_layer(
                io.BytesIO(raw),
                target,
                lowers=lowers if chain else None,
                limits=limits or Limits(),
            )
        finally:
            for descriptor in [target, *lowers]:
                os.close(descriptor)

    @property
    def top(self) -> Path:
        return self.trees[0]

    def paths(self) -> list[str]:
        return sorted(str(path.relative_to(self.top)) for path in self.top.rglob("*"))


@pytest.fixture
def layers(tmp_path: Path) -> Layers:
    return Layers(tmp_path)


def is_whiteout(path: Path) -> bool:
    return whiteout.is_whiteout(path.lstat())


def is_opaque(path: Path) -> bool:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return whiteout.is_opaque(descriptor)
    finally:
        os.close(descriptor)


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


# what is unpacked


def test_files_get_content_owner_mode_and_time(layers: Layers) -> None:
    time_ns = 1_234_567_890_123_456_789
    layers.apply(file("a", b"hello", mode=0o6755, uid=7, gid=70000, mtime_ns=time_ns))
    status = (layers.top / "a").stat()
    assert (layers.top / "a").read_bytes() == b"hello"
    assert (status.st_uid, status.st_gid) == (7, 70000)
    assert stat.S_IMODE(status.st_mode) == 0o6755
    assert status.st_mtime_ns == time_ns


def test_the_mode_does_not_depend_on_the_umask(layers: Layers) -> None:
    old = os.umask(0o077)
    try:
        layers.apply(directory("d", 0o777), file("d/f", mode=0o666), file("x/y", mode=0o666))
    finally:
        os.umask(old)
    modes = [stat.S_IMODE((layers.top / path).stat().st_mode) for path in ("d", "d/f", "x")]
    assert modes == [0o777, 0o666, 0o755]


def test_links_devices_and_fifos_are_made(layers: Layers) -> None:
    layers.apply(
        file("a"),
        hardlink("b", "a"),
        symlink("s", "/etc/passwd"),
        TarEntry(b"null", CHARACTER, device=(1, 3), mode=0o666),
        TarEntry(b"loop", BLOCK, device=(7, 300), mode=0o660, gid=6),
        TarEntry(b"pipe", FIFO, mode=0o622),
    )
    top = layers.top
    assert (top / "a").stat().st_ino == (top / "b").stat().st_ino
    assert os.readlink(top / "s") == "/etc/passwd"
    null, loop, pipe = (os.lstat(top / name) for name in ("null", "loop", "pipe"))
    assert (null.st_mode, null.st_rdev) == (stat.S_IFCHR | 0o666, os.makedev(1, 3))
    assert (loop.st_mode, loop.st_rdev) == (stat.S_IFBLK | 0o660, os.makedev(7, 300))
    assert (pipe.st_mode, loop.st_gid) == (stat.S_IFIFO | 0o622, 6)


def test_times_of_directories_survive_what_is_made_in_them(layers: Layers) -> None:
    layers.apply(directory("./", mtime_ns=3), directory("d", mtime_ns=5), file("d/a"), file("d/b"))
    assert (layers.top / "d").stat().st_mtime_ns == 5
    assert layers.top.stat().st_mtime_ns == 3


def test_only_harmless_xattrs_are_set(layers: Layers) -> None:
    capability = bytes.fromhex("0100000200040000000000000000000000000000")
    layers.apply(
        file(
            "a",
            xattrs={
                b"user.note": b"x",
                b"security.capability": capability,
                b"trusted.overlay.opaque": b"y",
                b"trusted.other": b"y",
                b"security.selinux": b"label",
                b"user.overlay.opaque": b"y",
            },
        )
    )
    names = sorted(os.listxattr(layers.top / "a"))
    assert names == ["security.capability", "user.note"]
    assert os.getxattr(layers.top / "a", "security.capability") == capability


def acl(group_id: int) -> bytes:
    """rwxr-xr-x, and r-x for a group: include/uapi/linux/posix_acl_xattr.h."""
    none = 0xFFFFFFFF
    entries = [(1, 7, none), (4, 5, none), (8, 5, group_id), (16, 5, none), (32, 5, none)]
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


def test_access_control_lists_are_kept_and_nothing_inherits_them(layers: Layers) -> None:
    lists = {b"system.posix_acl_access": acl(4), b"system.posix_acl_default": acl(5)}
    layers.apply(
        directory("d", 0o755, mtime_ns=5, xattrs=lists),
        directory("d/e", 0o755),
        file("d/f", mode=0o640),
    )
    assert os.getxattr(layers.top / "d", "system.posix_acl_access") == acl(4)
    assert os.getxattr(layers.top / "d", "system.posix_acl_default") == acl(5)
    assert (layers.top / "d").stat().st_mtime_ns == 5
    assert os.listxattr(layers.top / "d/e") == []
    assert os.listxattr(layers.top / "d/f") == []
    assert stat.S_IMODE((layers.top / "d/f").stat().st_mode) == 0o640


def test_a_malformed_access_control_list_is_refused(layers: Layers) -> None:
    with pytest.raises(HostileArchive):
        layers.apply(
            directory(
                "d", xattrs={b"system.posix_acl_default": struct.pack("<I8s", 2, b"nonsense")}
            )
        )


def test_the_digest_covers_what_follows_the_end_mark(layers: Layers) -> None:
    raw = archive(file("a")) + b"trailing bytes" * 10000
    applied = layers.apply_raw(raw)
    assert applied.diff_id == "sha256:" + hashlib.sha256(raw).hexdigest()
    assert (applied.entries, applied.size_bytes) == (1, 4)


@pytest.mark.parametrize("path", ["/abs/f", "./abs/f", "abs//f", "//abs/./f", "abs/f/"])
def test_paths_are_taken_below_the_root(layers: Layers, path: str) -> None:
    layers.apply(file(path))
    assert layers.paths() == ["abs", "abs/f"]


def test_an_empty_archive_is_an_empty_layer(layers: Layers) -> None:
    assert layers.apply_raw(b"").entries == 0


# duplicates: the last one wins


def test_a_later_file_replaces_an_earlier_one(layers: Layers) -> None:
    layers.apply(file("a", b"first"), hardlink("b", "a"), file("a", b"second"))
    assert (layers.top / "a").read_bytes() == b"second"
    assert (layers.top / "b").read_bytes() == b"first"


def test_a_directory_over_a_directory_replaces_attributes_only(layers: Layers) -> None:
    layers.apply(directory("d", 0o700), file("d/f"), directory("d", 0o750, mtime_ns=9))
    assert layers.paths() == ["d", "d/f"]
    status = (layers.top / "d").stat()
    assert (stat.S_IMODE(status.st_mode), status.st_mtime_ns) == (0o750, 9)


def test_a_file_over_a_directory_removes_all_of_it(layers: Layers) -> None:
    layers.apply(directory("d"), directory("d/e"), file("d/e/f"), file("d"), file("x"))
    assert layers.paths() == ["d", "x"]


def test_a_directory_that_was_replaced_can_be_filled_again(layers: Layers) -> None:
    layers.apply(directory("d/e"), file("d/e/f"), file("d"), directory("d"), file("d/e/g"))
    assert layers.paths() == ["d", "d/e", "d/e/g"]


def test_a_link_over_another_file_replaces_it(layers: Layers) -> None:
    layers.apply(
        file("a", b"kept"), file("b"), directory("c/d"), hardlink("b", "a"), hardlink("c", "a")
    )
    assert layers.paths() == ["a", "b", "c"]
    assert [(layers.top / name).read_bytes() for name in "bc"] == [b"kept", b"kept"]


def test_a_link_over_the_directory_of_its_own_target_is_refused(layers: Layers) -> None:
    with pytest.raises(HostileArchive, match="over its own target"):
        layers.apply(file("d/f"), hardlink("d", "d/f"))


def test_a_repeated_hard_link_changes_nothing(layers: Layers) -> None:
    layers.apply(file("a"), hardlink("b", "a"), hardlink("b", "a"), hardlink("a", "a"))
    assert layers.paths() == ["a", "b"]


# whiteouts


def test_whiteouts_become_those_of_overlayfs(layers: Layers) -> None:
    layers.apply(file("gone"), file("d/old"))
    layers.apply(file(".wh.gone", b""), file("d/.wh..wh..opq", b""), file("d/new"))
    assert layers.paths() == ["d", "d/new", "gone"]
    assert is_whiteout(layers.top / "gone")
    assert is_opaque(layers.top / "d")


def test_a_whiteout_of_what_is_not_there_leaves_no_trace(layers: Layers) -> None:
    layers.apply(directory("d"), file("f"))
    marks = [
        "f/.wh.nothing",
        ".wh.nothing",
        "d/.wh.nothing",
        "nowhere/.wh.f",
        "nowhere/.wh..wh..opq",
    ]
    layers.apply(*(file(mark, b"") for mark in marks))
    assert layers.paths() in ([], ["d"])


def test_other_aufs_names_are_skipped(layers: Layers) -> None:
    layers.apply(directory(".wh..wh.plnk"), file(".wh..wh.plnk/1.2"), file(".wh..wh.aufs", b""))
    assert layers.paths() == []


def test_a_base_layer_has_nothing_to_hide(layers: Layers) -> None:
    layers.apply(file(".wh.x", b""), directory("d"), file("d/.wh..wh..opq", b""))
    assert layers.paths() == ["d"]
    assert not is_opaque(layers.top / "d")


@pytest.mark.parametrize("marker_first", [True, False])
def test_a_whiteout_spares_what_its_own_layer_brings(layers: Layers, marker_first: bool) -> None:
    layers.apply(file("f"), file("d/old"))
    brought: list[Member] = [file("f", b"new"), directory("d"), file("d/new")]
    markers: list[Member] = [file(".wh.f", b""), file(".wh.d", b"")]
    layers.apply(*(markers + brought if marker_first else brought + markers))
    assert (layers.top / "f").read_bytes() == b"new"
    assert layers.paths() == ["d", "d/new", "f"]
    assert is_opaque(layers.top / "d")


def test_a_whiteout_of_a_parent_that_is_used_later_makes_it_opaque(layers: Layers) -> None:
    layers.apply(file("d/old"))
    layers.apply(file(".wh.d", b""), file("d/new"))
    assert is_opaque(layers.top / "d")


# what the lower chain has


def test_missing_parents_look_as_in_the_lower_layers(layers: Layers) -> None:
    layers.apply(
        directory("./", 0o711, mtime_ns=11),
        directory("a", 0o1777, uid=5, mtime_ns=77, xattrs={b"user.k": b"v"}),
        directory("a/b", 0o700),
    )
    layers.apply(directory("a/b", 0o750, gid=9))
    layers.apply(file("a/b/c"))
    a, b = (layers.top / "a").stat(), (layers.top / "a/b").stat()
    assert (stat.S_IMODE(a.st_mode), a.st_uid, a.st_mtime_ns) == (0o1777, 5, 77)
    assert os.getxattr(layers.top / "a", "user.k") == b"v"
    assert (stat.S_IMODE(b.st_mode), b.st_gid) == (0o750, 9)
    assert (stat.S_IMODE(layers.top.stat().st_mode), layers.top.stat().st_mtime_ns) == (0o711, 11)


def test_parents_that_lower_layers_have_removed_are_plain(layers: Layers) -> None:
    layers.apply(directory("a", 0o700), directory("b", 0o700), directory("o/p", 0o700))
    layers.apply(file(".wh.a", b""), file("b"), file("o/.wh..wh..opq", b""))
    layers.apply(file("a/f"), file("b/f"), file("o/p/f"))
    modes = [stat.S_IMODE((layers.top / path).stat().st_mode) for path in ("a", "b", "o/p")]
    assert modes == [0o755, 0o755, 0o755]


def test_a_link_to_a_file_of_a_lower_layer_copies_it_up(layers: Layers) -> None:
    layers.apply(directory("d", 0o750), file("d/f", b"lower", mode=0o4711, uid=3, mtime_ns=42))
    applied = layers.apply(hardlink("e", "d/f"))
    status = (layers.top / "e").stat()
    assert layers.paths() == ["d", "d/f", "e"]
    assert (layers.top / "e").read_bytes() == b"lower"
    assert status.st_ino == (layers.top / "d/f").stat().st_ino
    assert (stat.S_IMODE(status.st_mode), status.st_uid, status.st_mtime_ns) == (0o4711, 3, 42)
    assert stat.S_IMODE((layers.top / "d").stat().st_mode) == 0o750
    assert applied.size_bytes == 5


def test_a_link_to_a_symlink_of_a_lower_layer_copies_it_up(layers: Layers) -> None:
    link = TarEntry(b"s", SYMLINK, link=b"/nowhere", uid=3, mtime_ns=42)
    layers.apply(link)
    layers.apply(hardlink("t", "s"))
    status = (layers.top / "t").lstat()
    assert os.readlink(layers.top / "t") == "/nowhere"
    assert (status.st_uid, status.st_mtime_ns, status.st_nlink) == (3, 42, 2)


def test_a_link_to_a_removed_file_is_refused(layers: Layers) -> None:
    layers.apply(file("f"))
    with pytest.raises(HostileArchive, match="No such file"):
        layers.apply(file(".wh.f", b""), hardlink("e", "f"))


def test_a_symlinked_parent_of_a_lower_layer_is_followed_inside_the_root(layers: Layers) -> None:
    layers.apply(directory("usr/lib", 0o711), symlink("lib", "usr/lib"), symlink("l", "/lib"))
    layers.apply(file("l/x"))
    assert layers.paths() == ["usr", "usr/lib", "usr/lib/x"]
    assert stat.S_IMODE((layers.top / "usr/lib").stat().st_mode) == 0o711


def test_without_a_chain_it_is_told_when_the_chain_matters(layers: Layers) -> None:
    assert not layers.apply(directory("d"), file("d/f"), hardlink("e", "d/f")).needs_lower
    assert layers.apply(file("a/b"), chain=False).needs_lower
    assert layers.apply(hardlink("a", "b"), chain=False).needs_lower
    applied = layers.apply(directory("d"), file("d/.wh.f", b""), chain=False)
    assert not applied.needs_lower
    assert not applied.has_root
    assert is_whiteout(layers.top / "d/f")


# hostile archives

DEEP = "/".join("d" * 257)
HOSTILE: dict[str, list[Member]] = {
    "parent path": [file("../out")],
    "parent path inside": [file("a/../../out")],
    "parent path only": [directory("..")],
    "whiteout of a parent path": [file("../.wh.out", b"")],
    "whiteout of no name": [file(".wh.", b"")],
    "whiteout of the directory": [file("d/.wh..", b"")],
    "whiteout of its parent": [file("d/.wh...", b"")],
    "file in a whiteout": [file(".wh.d/f")],
    "link out by parent path": [hardlink("a", "../outside")],
    "link to nothing": [hardlink("a", "nothing")],
    "link to a directory": [directory("d"), hardlink("a", "d")],
    "link to the root": [hardlink("a", "/")],
    "link to a whiteout": [file(".wh.a", b""), hardlink("b", "a")],
    "whiteout as a device": [TarEntry(b"a", CHARACTER, device=(0, 0))],
    "device number out of range": [TarEntry(b"a", BLOCK, device=(4096, 0))],
    "file as the root": [file("./")],
    "symlink as the root": [symlink(".", "/")],
    "fifo as the root": [TarEntry(b"/", FIFO)],
    "link as the root": [file("a"), hardlink("./", "a")],
    "file as a parent": [file("a"), file("a/b")],
    "symlinks in a circle": [symlink("a", "b"), symlink("b", "a"), file("a/f")],
    "symlink that grows": [symlink("a", "/a/" * 1000), file("a/f")],
    "empty symlink": [symlink("a", "")],
    "name too long": [file("n" * 256)],
    "path too deep": [file(DEEP)],
    "owner that means nobody": [file("a", uid=2**32 - 1)],
    "owner out of range": [file("a", gid=2**40)],
    "negative owner": [file("a", uid=-5)],
}


@pytest.mark.parametrize("members", HOSTILE.values(), ids=list(HOSTILE))
def test_hostile_archives_are_refused(
    tmp_path: Path, layers: Layers, members: list[Member]
) -> None:
    (tmp_path / "outside").write_bytes(b"secret")
    before = descriptors()
    layers.apply(directory("d"))
    with pytest.raises(errors.InvalidArgument, match=r"archive refused: '|invalid tar|is over the"):
        layers.apply(*members)
    assert descriptors() == before
    assert sorted(os.listdir(tmp_path)) == ["0", "1", "outside"]
    assert (tmp_path / "outside").read_bytes() == b"secret"


ESCAPES: dict[str, list[Member]] = {
    "absolute symlink": [symlink("l", "/"), file("l/escaped")],
    "relative symlink": [symlink("l", "../../../.."), file("l/escaped")],
    "chain of symlinks": [symlink("a", ".."), symlink("l", "a/a/.."), file("l/escaped")],
    "symlink to /proc": [symlink("l", "/proc/self/root"), file("l/escaped")],
    "symlink to the working directory": [symlink("l", "/proc/self/cwd/x"), file("l/escaped")],
    "file through a symlink": [symlink("escaped", "/etc/passwd"), file("escaped")],
    "directory through a symlink": [symlink("escaped", "/etc"), directory("escaped", 0o777)],
    "link to a symlink": [symlink("l", "../../outside"), hardlink("escaped", "l")],
    "link through a symlink": [symlink("l", "/"), file("f"), hardlink("escaped", "l/f")],
    "node through a symlink": [
        symlink("escaped", "../outside"),
        TarEntry(b"escaped", FIFO, mode=0o777),
    ],
    "absolute path": [file("/escaped")],
    "absolute hard link": [file("f"), hardlink("escaped", "/f")],
}


@pytest.mark.parametrize("members", ESCAPES.values(), ids=list(ESCAPES))
def test_links_lead_nowhere_but_into_the_tree(
    tmp_path: Path, layers: Layers, members: list[Member]
) -> None:
    outside = tmp_path / "outside"
    outside.write_bytes(b"secret")
    passwd = Path("/etc/passwd").stat()
    layers.apply(*members)
    assert any(path.endswith("escaped") for path in layers.paths())
    assert sorted(os.listdir(tmp_path)) == ["0", "outside"]
    assert (outside.read_bytes(), outside.stat().st_nlink) == (b"secret", 1)
    assert not Path("/escaped").exists()
    assert Path("/etc/passwd").stat().st_mtime_ns == passwd.st_mtime_ns


@pytest.mark.parametrize("length", [1, 512, 600, 1100, 1211])
def test_truncated_archives_are_refused(layers: Layers, length: int) -> None:
    raw = archive(file("a", b"x" * 700))
    with pytest.raises(BadTar, match="unexpected end"):
        layers.apply_raw(raw[:length])


def test_too_many_entries_are_refused(layers: Layers) -> None:
    with pytest.raises(LimitExceeded):
        layers.apply(*(directory(f"d{n}") for n in range(10)), limits=Limits(entries=9))


names = st.sampled_from(["a", "b", "a/b", "b/a", "a/b/c", "../a", "/", ".wh.a", "a/.wh.b", "."])
links = st.sampled_from(["a", "/", "..", "../..", "a/b", "/b/a", ".", "../../outside", "b/.."])


@st.composite
def any_members(draw: st.DrawFn) -> list[Member]:
    makers: list[Callable[[], Member]] = [
        lambda: file(draw(names)),
        lambda: directory(draw(names)),
        lambda: symlink(draw(names), draw(links)),
        lambda: hardlink(draw(names), draw(links)),
        lambda: TarEntry(draw(names).encode(), FIFO),
    ]
    return [draw(st.sampled_from(makers))() for _ in range(draw(st.integers(1, 8)))]


@settings(max_examples=150)
@given(st.lists(any_members(), min_size=1, max_size=2))
def test_no_mixture_of_links_reaches_outside(
    tmp_path_factory: pytest.TempPathFactory, chain: list[list[Member]]
) -> None:
    root = tmp_path_factory.mktemp("mixture")
    (root / "outside").write_bytes(b"secret")
    layers = Layers(root)
    before = descriptors()
    for members in chain:
        try:
            layers.apply(*members)
        except errors.InvalidArgument:
            break
    assert descriptors() == before
    assert set(os.listdir(root)) <= {"0", "1", "outside"}
    assert (root / "outside").stat().st_nlink == 1
    assert (root / "outside").read_bytes() == b"secret"
    shutil.rmtree(root)


def test_a_full_disk_is_told_as_such(
    tmp_path: Path, in_mount_namespace: Callable[[Callable[[], object]], None]
) -> None:
    def fill() -> None:
        mount.mount("tmpfs", str(tmp_path), "tmpfs", 0, "size=1m")
        with pytest.raises(DiskFull, match="no space left on the disk: unpacking 'big'"):
            Layers(tmp_path).apply(file("big", bytes(2 << 20)))

    in_mount_namespace(fill)


# the oracle


@pytest.mark.skipif(shutil.which("tar") is None, reason="GNU tar is missing")
@pytest.mark.parametrize("form", ["gnu", "posix"])
def test_a_tree_is_unpacked_as_gnu_tar_does(tmp_path: Path, form: str) -> None:
    source = tmp_path / "source"
    make_tree(source)
    make = ["tar", "-c", f"--format={form}", "-S", "--xattrs", "--xattrs-include=*"]
    packed = tmp_path / "packed"
    subprocess.run([*make, "-f", str(packed), "-C", str(source), "."], check=True)
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    unpack = ["tar", "-xpS", "--numeric-owner", "--xattrs", "--xattrs-include=*"]
    subprocess.run([*unpack, "-f", str(packed), "-C", str(theirs)], check=True)
    layers = Layers(tmp_path)
    layers.apply_raw(packed.read_bytes())
    assert listing(layers.top) == listing(theirs)


def make_tree(root: Path) -> None:
    long = root / ("d" * 120) / ("e" * 120)
    long.mkdir(parents=True)
    (long / ("f" * 200)).write_bytes(b"far away")
    (root / "s p a c e").write_bytes(b"\0" * 513)
    (root / "ünïcode").write_bytes(b"")
    (root / os.fsdecode(b"\xff\xfe")).symlink_to("x" * 150)
    with open(root / "holes", "wb") as sparse:
        for offset in range(0, 10 << 20, 1 << 20):
            sparse.seek(offset)
            sparse.write(b"data" * 1024)
        sparse.truncate(11 << 20)
    os.link(root / "holes", root / "linked")
    os.mknod(root / "null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
    os.mkfifo(root / "fifo")
    os.setxattr(root / "holes", "user.note", b"\0\n=")
    os.chown(root / "holes", 4_000_000, 12)
    os.chmod(root / "holes", 0o6711)
    os.utime(root / "linked", ns=(0, 1_600_000_000_123_456_789))
    os.utime(long, ns=(0, 77))


def listing(root: Path) -> dict[str, tuple[object, ...]]:
    """Everything about a tree that an image keeps."""
    found: dict[str, tuple[object, ...]] = {}
    for path in [root, *root.rglob("*")]:
        status = path.lstat()
        content: object = None
        if stat.S_ISREG(status.st_mode):
            content = hashlib.sha256(path.read_bytes()).hexdigest()
        elif stat.S_ISLNK(status.st_mode):
            content = os.readlink(path)
        found[str(path.relative_to(root))] = (
            oct(status.st_mode),
            status.st_uid,
            status.st_gid,
            status.st_rdev,
            status.st_mtime_ns,
            status.st_nlink,
            0 if path.is_dir() else status.st_size,
            content,
            {n: os.getxattr(path, n, follow_symlinks=False) for n in sorted(xattrs(path))},
        )
    return found


def xattrs(path: Path) -> list[str]:
    return os.listxattr(path, follow_symlinks=False)
