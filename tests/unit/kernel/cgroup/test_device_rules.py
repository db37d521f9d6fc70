"""Device rules are completed by the defaults, and become lines of the v1 controller."""

from typing import Any

import pytest

from lading.kernel.cgroup import device_rules
from lading.kernel.cgroup.device_rules import BadDeviceRule, HoleInWildcard

ALL = {"allow": True, "access": "rwm"}
NONE = {"allow": False, "access": "rwm"}


@pytest.mark.parametrize(
    ("rule", "line"),
    [
        (NONE, "a"),
        ({"allow": True, "type": "a"}, "a"),
        ({"allow": True, "type": "c", "major": 1, "minor": 3, "access": "rw"}, "c 1:3 rw"),
        ({"allow": True, "type": "u", "major": 1, "minor": 3}, "c 1:3 rwm"),
        ({"allow": True, "type": "b", "major": 8}, "b 8:* rwm"),
        ({"allow": True, "type": "c", "major": -1, "minor": -1, "access": "m"}, "c *:* m"),
    ],
)
def test_device_rules_become_lines(rule: dict[str, Any], line: str) -> None:
    assert str(device_rules.parse(rule)) == line


@pytest.mark.parametrize(
    ("rule", "word"),
    [
        ({"allow": True, "type": "p"}, "unknown device type p"),
        ({"allow": True, "type": "c", "access": "rx"}, "unknown device access rx"),
        ({"allow": True, "type": "c", "major": 1 << 32}, "out of range"),
    ],
)
def test_nonsense_is_refused(rule: dict[str, Any], word: str) -> None:
    with pytest.raises(BadDeviceRule, match=word):
        device_rules.parse(rule)


def lines(*rules: dict[str, Any]) -> list[tuple[str, list[str]]]:
    return device_rules.v1_lines(device_rules.complete(rules))


def test_devices_are_denied_first_and_the_common_ones_allowed_last() -> None:
    [first, second] = lines({"allow": True, "type": "c", "major": 10, "minor": 229})
    assert first == ("devices.deny", ["a"])
    assert second[0] == "devices.allow"
    assert (second[1][0], second[1][-1]) == ("c 10:229 rwm", "c 136:* rwm")


def test_a_rule_about_all_devices_forgets_those_before_it() -> None:
    assert lines({"allow": True, "type": "c", "major": 10}, NONE) == lines()
    assert device_rules.allow_all(device_rules.complete([NONE, ALL]))
    assert not device_rules.allow_all(device_rules.complete([ALL, NONE]))


def test_all_but_some_is_written_as_denials() -> None:
    denied = {"allow": False, "type": "b", "major": 8, "access": "w"}
    written = lines(ALL, denied)
    assert written[:2] == [("devices.allow", ["a"]), ("devices.deny", ["b 8:* w"])]
    assert not device_rules.allow_all(device_rules.complete([ALL, denied]))


def test_an_a_among_the_letters_of_access_adds_nothing() -> None:
    rule = {"allow": False, "type": "c", "major": 1, "minor": 11, "access": "rwa"}
    assert device_rules.parse(rule).access == "rw"


def test_a_hole_in_a_wildcard_is_refused_where_v1_would_ignore_it() -> None:
    wildcard = {"allow": True, "type": "c", "major": 10, "access": "rw"}
    hole = {"allow": False, "type": "c", "major": 10, "minor": 5, "access": "r"}
    with pytest.raises(HoleInWildcard, match=r"requested rule \[c 10:5 r\] not supported by"):
        lines(wildcard, hole)
    assert lines(wildcard, {**hole, "access": "m"})  # nothing of that was allowed
    assert lines(wildcard, {**wildcard, "allow": False})  # taken back as it was given
