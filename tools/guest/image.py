"""The guest's disk: built by mmdebstrap when the recipe changes, else taken from the cache."""

import fcntl
import hashlib
import inspect
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from tools.guest import initrd

SUITE = "bookworm"
LOCK = "lock"
PACKAGES = (
    "linux-image-cloud-amd64",
    "systemd-sysv",
    "dbus",
    "udev",
    "kmod",
    "python3",
    "busybox-static",
    "iproute2",
    "nftables",
    "apparmor",
    "tini",
    "procps",
    "uidmap",
    "libpam-systemd",
    "libseccomp2",
)
CALLERS = ("podman",)  # programs that use lading-runtime; not in the small image
LEFT_OUT = ("/usr/share/doc/*", "/usr/share/locale/*", "/usr/share/man/*", "/boot/initrd*")
DISK_SIZE = "1500M"  # sparse
UNIT = """[Unit]
Description=What the host has sent
After=basic.target dbus.service
Wants=dbus.service

[Service]
Type=oneshot
ExecStart=/usr/local/sbin/run-what-the-host-sent
TimeoutStartSec=infinity
Delegate=yes
"""
TARGET = """[Unit]
Description=Only what tests need
Requires=basic.target
Wants=guest.service
After=basic.target
AllowIsolate=yes
"""
RUNNER = """#!/bin/sh
exec </dev/null >/dev/ttyS1 2>&1
mkswap -q /dev/vdc && swapon /dev/vdc
mkdir -p /guest && tar -x -C /guest -f /dev/vdb && cd /guest/source && sh /guest/command
echo "guest: exit status $?"
sync
echo o >/proc/sysrq-trigger
sleep 60
"""
MASKED = (
    *("systemd-timesyncd", "systemd-networkd", "systemd-resolved", "e2scrub_reap"),
    *("podman", "podman-restart", "podman-auto-update"),
)


class Image(NamedTuple):
    """Files that boot; `disk` is never written to."""

    kernel: Path
    initrd: Path
    disk: Path


def missing() -> list[str]:
    """The host's programs that are needed and not installed."""
    return [name for name in ("mmdebstrap", "mkfs.ext4") if shutil.which(name) is None]


def cache() -> Path:
    """Where images stay from run to run."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(base, "lading", "guest")


def recipe(packages: tuple[str, ...]) -> str:
    """A name that changes with everything that goes into an image."""
    text = inspect.getsource(sys.modules[__name__]) + inspect.getsource(initrd) + repr(packages)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def get(*, small: bool = False) -> Image:
    """The image of this recipe; building it takes about a minute and the network.

    Raises subprocess.CalledProcessError when it cannot be built.
    """
    choices = PACKAGES, PACKAGES + CALLERS
    packages = choices[0] if small else choices[1]
    directory = cache() / recipe(packages)
    image = Image(directory / "vmlinuz", directory / "initrd", directory / "root.ext4")
    cache().mkdir(parents=True, exist_ok=True)
    with (cache() / LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # one builds, who comes meanwhile waits for it
        if not directory.exists():
            _forget_all_but({LOCK, *map(recipe, choices)})
            _build(directory, packages)
    return image


def _forget_all_but(names: set[str]) -> None:
    """Remove the images of older recipes, and what an interrupted build has left."""
    for entry in cache().iterdir():
        if entry.name not in names:
            shutil.rmtree(entry)


def _build(directory: Path, packages: tuple[str, ...]) -> None:
    """Everything in a directory beside it, which gets its name when it is complete."""
    print("building the guest's disk ...", file=sys.stderr, flush=True)
    work = directory.with_suffix(".new")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    tree = work / "tree"
    left_out = [f"--dpkgopt=path-exclude={pattern}" for pattern in LEFT_OUT]
    include = "--include=" + ",".join(packages)
    command = ["mmdebstrap", "--quiet", "--variant=minbase", *left_out, include, SUITE, str(tree)]
    # its hook of the kernel's package would make an initial file system that is not used
    environment = os.environ | {"INITRD": "No"}
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, env=environment)
    _customise(tree)
    [kernel] = (tree / "boot").glob("vmlinuz-*")
    release = kernel.name.removeprefix("vmlinuz-")
    (work / "initrd").write_bytes(initrd.build(tree, release))
    shutil.copy(kernel, work / "vmlinuz")
    disk = ["mkfs.ext4", "-q", "-O", "^has_journal", "-d", str(tree), str(work / "root.ext4")]
    subprocess.run([*disk, DISK_SIZE], check=True)
    shutil.rmtree(tree)
    work.rename(directory)


def _customise(tree: Path) -> None:
    units = tree / "etc/systemd/system"
    (units / "guest.service").write_text(UNIT)
    (units / "guest.target").write_text(TARGET)
    (units / "default.target").unlink(missing_ok=True)
    (units / "default.target").symlink_to("guest.target")
    for name in MASKED:
        unit = units / f"{name}.service"
        unit.unlink(missing_ok=True)
        unit.symlink_to("/dev/null")
    runner = tree / "usr/local/sbin/run-what-the-host-sent"
    runner.write_text(RUNNER)
    runner.chmod(0o755)
    (tree / "usr/lib/python3/dist-packages/guest.pth").write_text("/guest/packages\n")
    (tree / "etc/hostname").write_text("guest\n")
    (tree / "etc/fstab").write_text("tmpfs /tmp tmpfs mode=1777 0 0\n")
