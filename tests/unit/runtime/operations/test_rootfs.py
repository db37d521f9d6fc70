"""The root's overlay by both ways to mount it, for real."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from lading.kernel import mount
from lading.runtime.operations.rootfs import MountOverlay
from lading.runtime.operations.step import StepFailed

InMountNamespace = Callable[[Callable[[], object]], None]
ID = "c" * 64


def stack(tmp_path: Path, count: int) -> MountOverlay:
    """As the overlay driver has it: many layers, and a container's own directory."""
    root = tmp_path / "data,root:1" / "snapshots"
    lower = [root / f"layers/{number}/fs" for number in range(count, 0, -1)]
    upper, work, point = root / f"active/{ID}/fs", root / f"active/{ID}/work", tmp_path / "point"
    for number, directory in enumerate([*lower, upper, work, point]):
        directory.mkdir(parents=True)
        if number < count:
            (directory / f"f{number}").touch()
    (lower[0] / "same").write_text("top")
    (lower[-1] / "same").write_text("bottom")
    return MountOverlay(str(point), [str(one) for one in lower], str(upper), str(work))


def check(overlay: MountOverlay, count: int) -> None:
    root = overlay.mount()
    assert len(os.listdir(overlay.directory)) == count + 1
    assert Path(overlay.directory, "same").read_text() == "top"
    Path(overlay.directory, "new").touch()
    os.unlink("same", dir_fd=root)
    os.close(root)
    assert overlay.upper
    assert sorted(os.listdir(overlay.upper)) == ["new", "same"]


def test_three_hundred_layers_by_the_new_calls(
    tmp_path: Path, in_mount_namespace: InMountNamespace
) -> None:
    overlay = stack(tmp_path, 300)
    in_mount_namespace(lambda: check(overlay, 300))


@pytest.mark.parametrize(("number", "count"), [(errno.ENOSYS, 2), (errno.EINVAL, 400)])
def test_layers_by_the_classic_call_where_the_new_ones_are_refused(
    tmp_path: Path, in_mount_namespace: InMountNamespace, number: int, count: int
) -> None:
    overlay = stack(tmp_path, count)

    def refused(context: int, key: str, value: str) -> None:
        raise OSError(number, os.strerror(number))  # of a kernel before 6.5, or 5.2

    def without() -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(mount, "fsconfig_set_string", refused)
            check(overlay, count)

    in_mount_namespace(without)


def test_what_does_not_fit_into_a_page_is_told(
    tmp_path: Path, in_mount_namespace: InMountNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    overlay = stack(tmp_path, 600)

    def fails() -> None:
        with pytest.raises(StepFailed, match="too many layers for this kernel"):
            overlay._classic()

    in_mount_namespace(fails)
