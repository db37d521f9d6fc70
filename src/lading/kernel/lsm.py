"""Security modules: the profile or label that a process gets with its next execve.

AppArmor and SELinux both read it from /proc/self/attr, man 5 proc_pid_attr; with a mount of procfs
that only we hold (safepath.proc_open), so that it cannot be a file that the container put there.
"""

from __future__ import annotations

import os

from lading.errors import NotSupported
from lading.kernel import safepath

APPARMOR_ENABLED = "/sys/module/apparmor/parameters/enabled"
SELINUX_ENFORCE = "/sys/fs/selinux/enforce"


class AppArmorMissing(NotSupported):
    """unable to apply apparmor profile: apparmor: config provided but apparmor not supported"""


class ProfileMissing(NotSupported):
    """unable to apply apparmor profile: apparmor failed to apply profile: {0} is not loaded"""


class SelinuxMissing(NotSupported):
    """selinux label is specified in config, but selinux is disabled or not supported"""


def has_apparmor() -> bool:
    try:
        with open(APPARMOR_ENABLED) as file:
            return file.read(1) == "Y"
    except OSError:
        return False


def has_selinux() -> bool:
    return os.path.exists(SELINUX_ENFORCE)


def set_apparmor_on_exec(profile: str) -> None:
    """The profile of the next execve. Raises ProfileMissing, OSError."""
    try:
        descriptor = safepath.proc_open("self/attr/apparmor/exec", os.O_WRONLY)  # since Linux 5.8
    except FileNotFoundError:
        descriptor = safepath.proc_open("self/attr/exec", os.O_WRONLY)
    try:
        os.write(descriptor, f"exec {profile}".encode())
    except FileNotFoundError:
        raise ProfileMissing(profile) from None
    finally:
        os.close(descriptor)


def set_selinux_on_exec(label: str) -> None:
    """The label of the next execve."""
    _write("self/attr/exec", label)


def set_selinux_key_create(label: str) -> None:
    """The label of keyrings that are made from here on; best done before the keyring is."""
    _write("self/attr/keycreate", label)


def _write(path: str, value: str) -> None:
    descriptor = safepath.proc_open(path, os.O_WRONLY)
    try:
        os.write(descriptor, value.encode())
    finally:
        os.close(descriptor)
