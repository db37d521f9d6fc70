"""An upper directory becomes a layer, and the layer becomes the same directory again."""

import hashlib
import io
import os
import socket
import stat
import tarfile
from pathlib import Path

import pytest

from lading.storage.layers import whiteout
from lading.storage.layers.apply import apply_layer
from lading.storage.layers.diff import write_layer


@pytest.fixture
def upper(tmp_path: Path) -> Path:
    root = tmp_path / "upper"
    root.mkdir()
    return root


def layer_of(root: Path) -> bytes:
    buffer = io.BytesIO()
    descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        write_layer(descriptor, buffer.write)
    finally:
        os.close(descriptor)
    return buffer.getvalue()


def names(layer: bytes) -> list[str]:
    with tarfile.open(fileobj=io.BytesIO(layer)) as archive:
        return archive.getnames()


def test_marks_of_overlayfs_become_whiteouts(upper: Path) -> None:
    (upper / "d").mkdir()
    descriptor = os.open(upper, os.O_RDONLY)
    whiteout.make_whiteout(descriptor, b"z")
    os.close(descriptor)
    (upper / "a").write_bytes(b"")
    descriptor = os.open(upper / "d", os.O_RDONLY)
    whiteout.make_opaque(descriptor)
    os.close(descriptor)
    assert names(layer_of(upper)) == [".", ".wh.z", "a", "d", "d/.wh..wh..opq"]


def test_private_xattrs_are_dropped_and_others_kept(upper: Path) -> None:
    (upper / "f").write_bytes(b"")
    for name in ("trusted.overlay.origin", "user.overlay.redirect", "user.mine"):
        os.setxattr(upper / "f", name, b"v")
    with tarfile.open(fileobj=io.BytesIO(layer_of(upper))) as archive:
        headers = archive.getmember("f").pax_headers
    assert [key for key in headers if "xattr" in key] == ["SCHILY.xattr.user.mine"]


def test_sockets_are_left_out_and_links_are_kept(upper: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(upper / "socket"))
    (upper / "a").write_bytes(b"x")
    os.link(upper / "a", upper / "b")
    with tarfile.open(fileobj=io.BytesIO(layer_of(upper))) as archive:
        assert archive.getnames() == [".", "a", "b"]
        assert archive.getmember("b").linkname == "a"


def test_a_file_that_looks_like_a_whiteout_is_left_out(upper: Path) -> None:
    (upper / ".wh.passwd").write_bytes(b"made in a container, to hide a file of the image")
    assert names(layer_of(upper)) == ["."]


def test_the_same_tree_gives_the_same_bytes(upper: Path) -> None:
    for name in ("b", "a", "c"):
        (upper / name).mkdir()
        os.utime(upper / name, ns=(0, 5))
    os.utime(upper, ns=(0, 5))
    assert layer_of(upper) == layer_of(upper)
    assert names(layer_of(upper)) == [".", "a", "b", "c"]


def test_a_layer_that_was_unpacked_is_written_again_as_it_was(upper: Path, tmp_path: Path) -> None:
    (upper / "d").mkdir(mode=0o700)
    (upper / "d" / ("n" * 200)).write_bytes(b"data")
    os.chmod(upper / "d" / ("n" * 200), 0o4755)
    (upper / "link").symlink_to("d")
    os.mkfifo(upper / "fifo")
    os.mknod(upper / "null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
    os.mknod(upper / "gone", stat.S_IFCHR, os.makedev(0, 0))
    layer = layer_of(upper)
    copy = tmp_path / "copy"
    copy.mkdir()
    descriptor = os.open(copy, os.O_RDONLY | os.O_DIRECTORY)
    applied = apply_layer(io.BytesIO(layer), descriptor, lowers=None)
    os.close(descriptor)
    assert applied.diff_id == "sha256:" + hashlib.sha256(layer).hexdigest()
    assert not applied.needs_lower
    assert layer_of(copy) == layer
