"""Words of a profile are checked, and say what is wrong with them."""

from typing import Any

import pytest

from lading.kernel.seccomp import rules


def profile(**rule: Any) -> dict[str, Any]:
    entry = {"names": ["read"], "action": "SCMP_ACT_ALLOW"} | rule
    return {"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [entry]}


def argument(**fields: Any) -> list[dict[str, Any]]:
    return [{"index": 0, "value": 1, "op": "SCMP_CMP_EQ"} | fields]


def test_a_rule_with_the_default_action_is_dropped() -> None:
    assert rules.decisions(profile(action="SCMP_ACT_ERRNO", errnoRet=1), "x86_64") == {}


def test_a_rule_without_arguments_wins_over_rules_with_them() -> None:
    document = profile(args=argument())
    document["syscalls"].append({"names": ["read"], "action": "SCMP_ACT_LOG"})
    assert rules.decisions(document, "x86_64") == {0: ((), rules.SECCOMP_RET_LOG)}


def test_two_tests_of_one_argument_are_alternatives() -> None:
    document = profile(args=argument() + argument(value=2))
    [(alternatives, _)] = rules.decisions(document, "x86_64").values()
    assert len(alternatives) == 2


def test_names_of_other_architectures_are_dropped() -> None:
    assert rules.decisions(profile(names=["set_tls", "no_such_call"]), "x86_64") == {}


def test_the_native_architecture_is_always_filtered() -> None:
    document = {"architectures": ["SCMP_ARCH_X86", "SCMP_ARCH_S390X"]}
    assert rules.architectures(document, "x86_64") == ["x86_64", "i386"]


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ({"action": "ALLOW"}, "string ALLOW is not a valid action for seccomp"),
        ({"args": argument(op="EQ")}, "string EQ is not a valid operator for seccomp"),
        ({"args": argument(index=6)}, "invalid seccomp rule: no such argument: 6"),
        ({"args": argument(value=1 << 64)}, "value of argument 0 does not fit 64 bits"),
        ({"action": "SCMP_ACT_TRACE", "errnoRet": 1 << 16}, "errnoRet 65536 does not fit"),
    ],
)
def test_bad_words_are_named(rule: dict[str, Any], text: str) -> None:
    with pytest.raises((rules.UnknownWord, rules.BadSeccompRule), match=text):
        rules.decisions(profile(**rule), "x86_64")


def test_an_unknown_architecture_is_named() -> None:
    with pytest.raises(rules.UnknownWord, match="string VAX is not a valid arch for seccomp"):
        rules.architectures({"architectures": ["VAX"]}, "x86_64")
