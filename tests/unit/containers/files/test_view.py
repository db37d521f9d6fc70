"""A view of a container that does not run, on the kernel's overlay and on fuse-overlayfs."""

import os
import shutil
from pathlib import Path

import pytest

from lading.containers.files.view import RestingView, run_in
from lading.storage.snapshots import Overlay

SERVER = shutil.which("fuse-overlayfs")
KINDS = [
    pytest.param("", id="kernel"),
    pytest.param(
        SERVER, id="served", marks=pytest.mark.skipif(not SERVER, reason="no fuse-overlayfs")
    ),
]


@pytest.fixture(params=KINDS)
def overlay(tmp_path: Path, request: pytest.FixtureRequest) -> Overlay:
    for name in ("lower", "below", "upper", "work", "place"):
        (tmp_path / name).mkdir()
    (tmp_path / "lower/file").write_text("of the image")
    lower = [f"{tmp_path}/lower", f"{tmp_path}/below"]
    return Overlay(lower, f"{tmp_path}/upper", f"{tmp_path}/work", server=request.param)


def test_what_is_written_is_in_the_upper_directory(overlay: Overlay, tmp_path: Path) -> None:
    def work(root: int) -> str:
        descriptor = os.open("new", os.O_WRONLY | os.O_CREAT, 0o600, dir_fd=root)
        os.write(descriptor, b"new")
        os.close(descriptor)
        descriptor = os.open("file", os.O_RDONLY, dir_fd=root)
        try:
            return os.read(descriptor, 100).decode()
        finally:
            os.close(descriptor)

    assert run_in(RestingView(f"{tmp_path}/place", overlay), work).result(10) == "of the image"
    assert (tmp_path / "upper/new").read_text() == "new"
    assert os.listdir(tmp_path / "place") == []


def test_without_an_upper_directory_nothing_on_the_disk_changes(
    overlay: Overlay, tmp_path: Path
) -> None:
    def work(root: int) -> None:
        os.mkdir("made", dir_fd=root)
        os.unlink("file", dir_fd=root)

    view = RestingView(f"{tmp_path}/place", overlay._replace(upper="", work=""))
    run_in(view, work).result(10)
    assert os.listdir(tmp_path / "lower") == ["file"]
    assert os.listdir(tmp_path / "upper") == []


def test_a_view_leaves_no_descriptor_that_keeps_its_mount(overlay: Overlay, tmp_path: Path) -> None:
    view = RestingView(f"{tmp_path}/place", overlay)
    run_in(view, os.fstat).result(10)
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        run_in(view, os.fstat).result(10)
    assert len(os.listdir("/proc/self/fd")) == before
