"""SELinux labels of a container: decided from its options, the policy's labels and its level.

A label is user:role:type:level. The level's two categories are a container's own, so that it can
not touch another's files though both have the same type. Pure; go-selinux's rules.
"""

import hashlib
from typing import NamedTuple

from lading.containers.oci_spec import security_options
from lading.errors import InvalidArgument
from lading.wire.host_config import HostConfig

CATEGORIES = 1024
PARTS = ("user", "role", "type", "level")
SHARED_LEVEL = "s0"


class BadLabelOption(InvalidArgument):
    """invalid --security-opt: bad label option "{0}", valid options 'disable' or
    'user, role, level, type, filetype' followed by ':' and a value"""


class Labels(NamedTuple):
    """Of the container's processes, and of its files; "" is none."""

    process: str = ""
    mount: str = ""


def labels(host: HostConfig, policy: Labels, level: str) -> Labels:
    """What a container gets under a policy. Raises BadLabelOption."""
    if not policy.process:
        return Labels()
    own = {"level": level} if level else {}  # it was made before the engine used SELinux
    process = _split(policy.process) | own
    files = _split(policy.mount) | own
    options = label_options(host)
    if "disable" in options or host.privileged or "host" in (host.pid_mode, host.ipc_mode):
        return Labels("", _join(files))
    for option in options:
        part, _, value = option.partition(":")
        if part == "filetype":
            files["type"] = value
            continue
        process[part] = value
        if part in ("level", "user"):
            files[part] = value
    return Labels(_join(process), _join(files))


def label_options(host: HostConfig) -> list[str]:
    """The values of `label=...`, checked. Raises BadLabelOption."""
    found = []
    for word, value in security_options(host):
        if word == "disable" and not value:
            value = "disable"
        elif word != "label":
            continue
        part, colon, rest = value.partition(":")
        if value != "disable" and not (colon and rest and part in (*PARTS, "filetype")):
            raise BadLabelOption(value)
        found.append(value)
    return found


def shared(label: str) -> str:
    """The label of files that several containers may touch (`:z`)."""
    return _join(_split(label) | {"level": SHARED_LEVEL}) if label else ""


def new_level(container_id: str, taken: set[str]) -> str:
    """Two categories of its own: `s0:c17,c250`. By the id, then by the next number."""
    pairs = CATEGORIES * (CATEGORIES - 1) // 2
    number = int.from_bytes(hashlib.sha256(container_id.encode()).digest()[:8], "big")
    for step in range(pairs):
        level = _level((number + step) % pairs)
        if level not in taken:
            return level
    return _level(number % pairs)  # half a million containers: they have to share


def _level(number: int) -> str:
    """The pair with this number, the lower category first."""
    high = 1
    low = number
    while low >= high:  # pairs (low, high) with low < high, counted by high
        low -= high
        high += 1
    return f"s0:c{low},c{high}"


def _split(label: str) -> dict[str, str]:
    return dict(zip(PARTS, label.split(":", 3), strict=False))


def _join(parts: dict[str, str]) -> str:
    return ":".join(parts[name] for name in PARTS if parts.get(name))
