"""The local driver mounts what its options say, on a descriptor, and unmounts it for good."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from lading.volumes import Volume
from lading.volumes.directories import Directories
from lading.volumes.drivers.local import LocalDriver, is_mount_point
from lading.volumes.record import CannotMount

InMountNamespace = Callable[[Callable[[], object]], None]
TMPFS = {"type": "tmpfs", "device": "tmpfs", "o": "size=1m,mode=700,nodev"}


@pytest.fixture
def driver(tmp_path: Path) -> LocalDriver:
    directories = Directories(str(tmp_path / "volumes with space"))
    directories.open(set())
    return LocalDriver(directories)


def made(driver: LocalDriver, options: dict[str, str]) -> Volume:
    driver.create("data", options)
    return Volume("data", options=options)


def test_a_tmpfs_is_mounted_once_and_unmounted_after_the_last(
    driver: LocalDriver, in_mount_namespace: InMountNamespace
) -> None:
    volume = made(driver, TMPFS)

    def check() -> None:
        path = driver.mount(volume, "one")
        driver.mount(volume, "two")
        shown = path.replace(" ", "\\040")  # man 5 proc_pid_mountinfo
        table = Path("/proc/self/mountinfo").read_text().splitlines()
        mounts = [line for line in table if f" {shown} " in line]
        assert ["tmpfs tmpfs rw,size=1024k" in line for line in mounts] == [True]
        assert os.stat(path).st_mode & 0o7777 == 0o700
        driver.unmount(volume, "one", is_last=False)
        assert is_mount_point(path)
        driver.unmount(volume, "two", is_last=True)
        assert not is_mount_point(path)
        driver.unmount(volume, "two", is_last=True)

    in_mount_namespace(check)


def test_a_mount_that_is_in_use_on_the_host_goes_out_of_sight(
    driver: LocalDriver, in_mount_namespace: InMountNamespace
) -> None:
    volume = made(driver, TMPFS)

    def check() -> None:
        os.chdir(driver.mount(volume, "one"))
        driver.unmount(volume, "one", is_last=True)
        assert not is_mount_point(driver.path(volume))

    in_mount_namespace(check)


def test_a_removed_volume_is_unmounted(
    driver: LocalDriver, in_mount_namespace: InMountNamespace
) -> None:
    volume = made(driver, TMPFS)

    def check() -> None:
        path = driver.mount(volume, "one")
        driver.remove(volume)
        assert not is_mount_point(path)
        assert not os.path.exists(path)

    in_mount_namespace(check)


def test_a_directory_that_became_a_link_is_not_mounted_on(
    driver: LocalDriver, tmp_path: Path, in_mount_namespace: InMountNamespace
) -> None:
    volume = made(driver, TMPFS)
    os.rmdir(driver.path(volume))
    os.symlink(tmp_path, driver.path(volume))

    def check() -> None:
        with pytest.raises(CannotMount):
            driver.mount(volume, "one")

    in_mount_namespace(check)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"type": "none", "device": "/no/such", "o": "bind"}, "no such file or directory"),
        ({"type": "nosuchfs", "device": "x"}, "no such device"),
        ({"type": "tmpfs", "device": "tmpfs", "o": "nonsense=1"}, "Unknown parameter 'nonsense'"),
    ],
)
def test_what_the_kernel_refuses_is_told(
    driver: LocalDriver,
    options: dict[str, str],
    reason: str,
    in_mount_namespace: InMountNamespace,
) -> None:
    volume = made(driver, options)

    def check() -> None:
        with pytest.raises(CannotMount) as raised:
            driver.mount(volume, "one")
        assert f"failed to mount local volume: mount {options['device']}:" in str(raised.value)
        assert reason in str(raised.value)

    in_mount_namespace(check)
