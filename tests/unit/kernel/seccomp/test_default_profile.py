"""The default table gives the rules Docker gives, for the container's capabilities and machine."""

from typing import Any

import pytest

from lading.kernel import capabilities
from lading.kernel.seccomp import default_profile


def allowed(document: dict[str, Any]) -> set[str]:
    return {name for rule in document["syscalls"] if not rule.get("args") for name in rule["names"]}


def rules_of(document: dict[str, Any], name: str) -> list[dict[str, Any]]:
    return [rule for rule in document["syscalls"] if name in rule["names"]]


def test_the_table_has_the_names_of_its_source() -> None:
    everything = default_profile.profile(capabilities.NAMES)
    names = {name for rule in everything["syscalls"] for name in rule["names"]}
    for others in default_profile.MACHINE_CALLS.values():
        names |= set(others.split())
    assert len(names) == 426


def test_denied_calls_answer_eperm() -> None:
    document = default_profile.profile(())
    assert (document["defaultAction"], document["defaultErrnoRet"]) == ("SCMP_ACT_ERRNO", 1)


@pytest.mark.parametrize(
    ("held", "name"),
    [
        ("CAP_SYS_ADMIN", "mount"),
        ("CAP_SYS_CHROOT", "chroot"),
        ("CAP_SYS_PTRACE", "pidfd_getfd"),
        ("CAP_BPF", "bpf"),
        ("CAP_SYS_TIME", "clock_settime"),
    ],
)
def test_a_capability_brings_its_calls(held: str, name: str) -> None:
    assert name in allowed(default_profile.profile((held,)))
    assert name not in allowed(default_profile.profile(()))


def test_clone3_is_enosys_unless_namespaces_are_allowed() -> None:
    [rule] = rules_of(default_profile.profile(()), "clone3")
    assert (rule["action"], rule["errnoRet"]) == ("SCMP_ACT_ERRNO", 38)
    [rule] = rules_of(default_profile.profile(("CAP_SYS_ADMIN",)), "clone3")
    assert rule["action"] == "SCMP_ACT_ALLOW"


def test_tracing_needs_linux_4_8() -> None:
    assert "ptrace" in allowed(default_profile.profile((), "x86_64", (4, 8)))
    assert "ptrace" not in allowed(default_profile.profile((), "x86_64", (4, 7)))


def test_s390_has_the_flags_of_clone_in_its_second_argument() -> None:
    [rule] = rules_of(default_profile.profile((), "s390x"), "clone")
    assert rule["args"][0]["index"] == 1


def test_each_machine_has_its_own_calls_and_architectures() -> None:
    intel, arm = (default_profile.profile((), machine) for machine in ("x86_64", "aarch64"))
    assert "arch_prctl" in allowed(intel) - allowed(arm)
    assert "set_tls" in allowed(arm) - allowed(intel)
    assert arm["architectures"] == ["SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"]


def test_an_unknown_machine_is_refused_by_name() -> None:
    with pytest.raises(default_profile.UnprofiledMachine, match="vax"):
        default_profile.profile((), "vax")


def test_the_running_kernels_version_is_two_numbers() -> None:
    assert default_profile.running_kernel() >= (4, 8)
