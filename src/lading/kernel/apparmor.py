"""AppArmor from the engine's side: which profiles the kernel has, loading one, removing one.

A profile is text that a compiler turns into what the kernel reads; the compiler is AppArmor's own
apparmor_parser, and its output is written to securityfs by us. man 7 apparmor; the interface is in
the kernel's security/apparmor/apparmorfs.c. How a process gets its profile is in `kernel/lsm.py`.
"""

from __future__ import annotations

import os
import shutil
import subprocess

from lading.errors import SystemFault
from lading.kernel import lsm

SECURITYFS = "/sys/kernel/security/apparmor"
PARSER = "apparmor_parser"
PARSER_PATH = "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin"
TIMEOUT_S = 60.0  # for a compiler that takes milliseconds


class NotCompiled(SystemFault):
    """apparmor_parser: {0}"""


class NotLoaded(SystemFault):
    """the kernel did not take the profile {0}: {1}"""


def parser() -> str | None:
    """The compiler's path; None when it is not installed."""
    return shutil.which(PARSER, path=PARSER_PATH)


def obstacle(place: str = SECURITYFS) -> str:
    """Why we cannot give containers a profile of our own; "" when we can."""
    if not lsm.has_apparmor():
        return "AppArmor is not enabled"
    if not os.access(f"{place}/.replace", os.W_OK):
        return f"{place} cannot be written to"
    if parser() is None:
        return f"{PARSER} is not installed"
    return ""


def loaded(place: str = SECURITYFS) -> set[str]:
    """The names of the profiles that the kernel has, in whatever mode."""
    try:
        with open(f"{place}/profiles", encoding="utf-8") as file:
            return {line.rstrip("\n").rpartition(" (")[0] for line in file}
    except OSError:
        return set()


def compile(text: str) -> bytes:
    """What the kernel reads for a profile's text. Raises NotCompiled."""
    command = parser()
    if command is None:
        raise NotCompiled("not installed")
    try:
        done = subprocess.run(
            [command, "--skip-kernel-load", "--skip-cache", "--stdout", "--quiet"],
            input=text.encode(),
            capture_output=True,
            timeout=TIMEOUT_S,
            env={"PATH": PARSER_PATH},
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotCompiled(error) from error
    if done.returncode or not done.stdout:
        raise NotCompiled(done.stderr.decode(errors="replace").strip() or done.returncode)
    return done.stdout


def load(name: str, policy: bytes, place: str = SECURITYFS) -> None:
    """Give the kernel a compiled profile; processes that have its older form get this one.

    Raises NotLoaded.
    """
    try:
        descriptor = os.open(f"{place}/.replace", os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.write(descriptor, policy)  # whole or not at all
        finally:
            os.close(descriptor)
    except OSError as error:
        raise NotLoaded(name, error) from error


def remove(name: str, place: str = SECURITYFS) -> None:
    """Take a profile out of the kernel; one that is not there is fine. Raises OSError.

    Processes that have it are unconfined from then on.
    """
    descriptor = os.open(f"{place}/.remove", os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(descriptor, name.encode())
    except FileNotFoundError:
        return
    finally:
        os.close(descriptor)
