"""Compiled seccomp filters on disk, one file for each combination of profile and capabilities.

Compiling takes milliseconds and is the same for nearly every container; init reads the bytes.
"""

import hashlib
import json
import os

from lading.containers.oci_spec import capability_names, security_options
from lading.errors import LadingError, SystemFault
from lading.kernel.seccomp.bpf import compile_filter
from lading.kernel.seccomp.default_profile import profile
from lading.wire.host_config import HostConfig

BUILTIN, UNCONFINED = "builtin", "unconfined"


class InvalidProfile(SystemFault):
    """Decoding seccomp profile failed: {0}"""


class ProfileUnreadable(SystemFault):
    """opening seccomp profile ({0}) failed: {1}"""


class Filters:
    """Finds or makes the filter of a container.

    `default` is for those that name none: "builtin", "unconfined" or the path of a profile, which
    is read and compiled here, so that a wrong one is told now. Raises ProfileUnreadable,
    InvalidProfile.
    """

    def __init__(self, directory: str, default: str = BUILTIN) -> None:
        os.makedirs(directory, mode=0o700, exist_ok=True)
        self._directory = directory
        self._default = default
        if default not in (BUILTIN, UNCONFINED):
            self._default = _read(default)
            _compile(self._default)
        self._known: dict[str, str] = {}

    def path(self, host: HostConfig) -> str | None:
        """The file with the compiled program, None for an unconfined container."""
        asked = _asked(host) or self._default
        if host.privileged or asked == UNCONFINED:
            return None
        custom = "" if asked == BUILTIN else asked
        names = capability_names(host)
        key = hashlib.sha256(json.dumps([custom, names]).encode()).hexdigest()
        if key not in self._known:
            program = _compile(custom) if custom else compile_filter(profile(frozenset(names)))
            self._known[key] = self._write(key, program)
        return self._known[key]

    def _write(self, key: str, program: bytes) -> str:
        path = f"{self._directory}/{key}.bpf"
        with open(f"{path}.new", "wb") as file:
            file.write(program)
        os.rename(f"{path}.new", path)
        return path


def _asked(host: HostConfig) -> str:
    """What the last --security-opt seccomp=... says, "" for nothing. The CLI sends JSON itself."""
    return next(
        (value for word, value in reversed(security_options(host)) if word == "seccomp"), ""
    )


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except (OSError, ValueError) as error:
        raise ProfileUnreadable(path, error) from error


def _compile(text: str) -> bytes:
    """The program of a user's profile. Raises InvalidProfile."""
    try:
        return compile_filter(json.loads(text))
    except LadingError as error:
        raise InvalidProfile(error) from error
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise InvalidProfile(f"{type(error).__name__}: {error}") from error
