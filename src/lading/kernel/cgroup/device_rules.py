"""Which devices a group may use: rules, and what they mean as lines of the v1 controller.

A rule is the OCI spec's `{"allow", "type", "major", "minor", "access"}`. All devices are denied at
first; then each rule in order allows or denies some kinds of access; then come those that every
container may use. Of two rules about the same access the later one counts.
Spec: OCI runtime-spec, config-linux.md#allowed-device-list; cgroup-v1/devices.rst.
"""

from __future__ import annotations

from lading.errors import InvalidArgument

TYPE_CHECKING = False  # the name that type checkers know; `typing` is not loaded for it
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

ANY = -1  # any major or minor number


class BadDeviceRule(InvalidArgument):
    """invalid device cgroup rule "{0}": {1}"""


class HoleInWildcard(InvalidArgument):
    """requested rule [{0}] not supported by devices cgroupv1 (cannot punch hole in existing \
wildcard rule [{1}])"""


class Rule:
    """One rule with nothing left out; `kind` is "a" (all), "b" or "c"."""

    __slots__ = ("access", "allow", "kind", "major", "minor")

    def __init__(self, allow: bool, kind: str, major: int, minor: int, access: str) -> None:
        self.allow = allow
        self.kind = kind
        self.major = major
        self.minor = minor
        self.access = access

    def __str__(self) -> str:
        """As devices.allow takes it: `c 1:3 rwm`; `a` for all devices, all access."""
        if self.kind == "a":
            return "a"
        major, minor = ("*" if n == ANY else n for n in (self.major, self.minor))
        return f"{self.kind} {major}:{minor} {self.access}"


def _node(major: int, minor: int) -> Rule:
    return Rule(True, "c", major, minor, "rwm")


# Devices each container may use whatever else it is denied, after the rules of the spec: making any
# node, then null, zero, full, random, urandom, tty, console, ptmx and the ptys. Docker and runc.
DEFAULTS = (
    Rule(True, "c", ANY, ANY, "m"),
    Rule(True, "b", ANY, ANY, "m"),
    *(_node(1, minor) for minor in (3, 5, 7, 8, 9)),
    *(_node(5, minor) for minor in (0, 1, 2)),
    _node(136, ANY),
)


def complete(rules: Iterable[Mapping[str, Any]]) -> list[Rule]:
    """The spec's rules and the defaults, from the last one on that says something of all devices.

    An empty beginning means that all is denied. Raises BadDeviceRule.
    """
    found: list[Rule] = []
    for asked in rules:
        rule = parse(asked)
        found = [rule] if rule.kind == "a" else [*found, rule]
    return [*found, *DEFAULTS]


def allow_all(rules: list[Rule]) -> bool:
    """Whether nothing at all is denied."""
    return rules[0].kind == "a" and all(rule.allow for rule in rules)


def parse(asked: Mapping[str, Any]) -> Rule:
    """One rule of the spec. Raises BadDeviceRule."""
    kind = asked.get("type") or "a"
    access = (asked.get("access") or "rwm").replace("a", "")  # as runc: it adds nothing
    major, minor = (ANY if n is None or n < 0 else n for n in map(asked.get, ("major", "minor")))
    rule = Rule(bool(asked.get("allow")), "c" if kind == "u" else kind, major, minor, access)
    if rule.kind not in ("a", "b", "c"):
        raise BadDeviceRule(rule, f"unknown device type {kind}")
    if not set(access) <= set("rwm"):
        raise BadDeviceRule(rule, f"unknown device access {access}")
    if max(major, minor) >= 1 << 32:
        raise BadDeviceRule(rule, "device number out of range")
    return rule


def v1_lines(rules: list[Rule]) -> list[tuple[str, list[str]]]:
    """`(file, lines)` to write in this order, from a new or an old group's state on.

    Raises HoleInWildcard: v1 forgets exactly the exceptions it is told, and silently no others.
    """
    allows_at_first = rules[0].kind == "a" and rules[0].allow
    written: list[tuple[str, list[str]]] = [_file(allows_at_first, "a")]
    seen: list[Rule] = []
    for rule in rules[1:] if rules[0].kind == "a" else rules:
        if rule.allow == allows_at_first:
            _check_hole(rule, seen)
        elif allows_at_first is False or not rule.allow:
            seen.append(rule)
        file, lines = _file(rule.allow, str(rule))
        if written[-1][0] == file and len(written) > 1:
            written[-1][1].extend(lines)
        else:
            written.append((file, lines))
    return written


def _file(allow: bool, line: str) -> tuple[str, list[str]]:
    return "devices.allow" if allow else "devices.deny", [line]


def _check_hole(rule: Rule, seen: list[Rule]) -> None:
    """Whether an earlier exception of the other sense covers more than this takes back."""
    for other in seen:
        same = (other.major, other.minor) == (rule.major, rule.minor)
        covers = other.major in (ANY, rule.major) and other.minor in (ANY, rule.minor)
        if other.kind == rule.kind and covers and not same and set(other.access) & set(rule.access):
            raise HoleInWildcard(rule, other)
