"""Compiled seccomp filters on disk, one file for each combination of profile and capabilities.

Compiling takes milliseconds and is the same for nearly every container; init reads the bytes.
"""

import hashlib
import json
import os

from lading.containers.oci_spec import capability_names, is_seccomp_unconfined, security_options
from lading.errors import LadingError, SystemFault
from lading.kernel.seccomp.bpf import compile_filter
from lading.kernel.seccomp.default_profile import profile
from lading.wire.host_config import HostConfig


class InvalidProfile(SystemFault):
    """Decoding seccomp profile failed: {0}"""


class Filters:
    """Finds or makes the filter of a container."""

    def __init__(self, directory: str) -> None:
        os.makedirs(directory, mode=0o700, exist_ok=True)
        self._directory = directory
        self._known: dict[str, str] = {}

    def path(self, host: HostConfig) -> str | None:
        """The file with the compiled program, None for an unconfined container."""
        if is_seccomp_unconfined(host):
            return None
        custom = _custom_profile(host)
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


def _custom_profile(host: HostConfig) -> str:
    """The text of --security-opt seccomp=..., "" for the default. The CLI sends the JSON itself."""
    for word, value in security_options(host):
        if word == "seccomp" and value not in ("", "builtin"):
            return value
    return ""


def _compile(text: str) -> bytes:
    """The program of a user's profile. Raises InvalidProfile."""
    try:
        return compile_filter(json.loads(text))
    except LadingError as error:
        raise InvalidProfile(error) from error
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise InvalidProfile(f"{type(error).__name__}: {error}") from error
