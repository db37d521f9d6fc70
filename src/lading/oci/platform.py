"""Platforms: which entry of an image index runs here.

A wanted platform has fallbacks, best first: amd64 v3 runs v2 and v1 code, arm v7 runs v6 and v5,
arm64 runs 32-bit arm. Entries `unknown/unknown` carry attestations and never match.
Source: OCI image-spec, image-index.md#platform-variants.
"""

import platform as host_facts
import re
from collections.abc import Sequence

from msgspec import Struct, field

from lading.errors import InvalidArgument

ARCHITECTURES = {
    "x86_64": "amd64",
    "x86-64": "amd64",
    "aarch64": "arm64",
    "armhf": "arm",
    "armel": "arm",
    "i386": "386",
    "i686": "386",
}
_ALIAS_VARIANTS = {"armhf": "v7", "armel": "v6"}
_COMPONENT = re.compile(r"[A-Za-z0-9_.-]+", re.ASCII)
_KNOWN_SYSTEMS = frozenset({"linux", "windows", "darwin", "freebsd"})


class Platform(Struct, frozen=True, omit_defaults=True):
    """The `platform` object of a descriptor."""

    architecture: str
    os: str
    variant: str = ""
    os_version: str = field(default="", name="os.version")
    os_features: list[str] | None = field(default=None, name="os.features")

    def __str__(self) -> str:
        return "/".join(filter(None, (self.os, self.architecture, self.variant)))


class InvalidPlatform(InvalidArgument):
    """ "{0}": {1}: invalid argument"""


def parse(text: str) -> Platform:
    """Read "linux/arm64/v8", "linux/amd64", "arm64" or "linux". Raises InvalidPlatform."""
    parts = text.lower().split("/")
    if "*" in text:
        raise InvalidPlatform(text, "wildcards not yet supported")
    if len(parts) > 3 or not all(_COMPONENT.fullmatch(part) for part in parts):
        raise InvalidPlatform(text, "cannot parse platform specifier")
    if len(parts) == 1:
        if parts[0] in _KNOWN_SYSTEMS:
            return normalize(Platform(host().architecture, parts[0]))
        return normalize(Platform(parts[0], "linux"))
    return normalize(Platform(parts[1], parts[0], parts[2] if len(parts) == 3 else ""))


def normalize(platform: Platform) -> Platform:
    """One spelling for each platform: aarch64 is arm64, arm64/v8 is arm64, arm is arm/v7."""
    architecture = ARCHITECTURES.get(platform.architecture, platform.architecture)
    variant = platform.variant or _ALIAS_VARIANTS.get(platform.architecture, "")
    if architecture == "arm":
        variant = variant or "v7"
        variant = variant if variant.startswith("v") else f"v{variant}"
    if (architecture, variant) in {("arm64", "v8"), ("arm64", "8"), ("amd64", "v1")}:
        variant = ""
    return Platform(architecture, platform.os, variant, platform.os_version, platform.os_features)


def host() -> Platform:
    """The platform of this machine."""
    return normalize(Platform(host_facts.machine(), "linux"))


def candidates(wanted: Platform) -> list[Platform]:
    """What runs where `wanted` is asked for, best first."""
    wanted = normalize(wanted)
    system, architecture, variant = wanted.os, wanted.architecture, wanted.variant
    number = int(variant[1:]) if re.fullmatch(r"v[0-9]{1,2}", variant) else None
    if architecture == "amd64" and number is not None:
        return [normalize(Platform("amd64", system, f"v{n}")) for n in range(number, 0, -1)]
    if architecture == "arm" and number is not None:
        return [Platform("arm", system, f"v{n}") for n in range(number, 4, -1)] or [wanted]
    if architecture == "arm64":
        newer = [Platform("arm64", system, f"v{n}") for n in range(number or 8, 8, -1)]
        older = [Platform("arm", system, f"v{n}") for n in range(8, 4, -1)]
        return [*newer, Platform("arm64", system), *older]
    return [wanted]


def select(offered: Sequence[Platform | None], wanted: Platform) -> int | None:
    """The position of the first best entry, None when none runs there.

    An entry without a platform is taken only when nothing says better.
    """
    normalized = [entry and normalize(entry) for entry in offered]
    for candidate in candidates(wanted):
        for position, entry in enumerate(normalized):
            if entry and _same(entry, candidate):
                return position
    return next((n for n, entry in enumerate(normalized) if entry is None), None)


def _same(left: Platform, right: Platform) -> bool:
    return (left.os, left.architecture, left.variant) == (
        right.os,
        right.architecture,
        right.variant,
    )
