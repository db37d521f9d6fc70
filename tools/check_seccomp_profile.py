"""Compare our default seccomp table with a moby profile file (seccomp/default.json).

    PYTHONPATH=src python tools/check_seccomp_profile.py FILE

Evaluates the file's `includes` and `excludes` for no capability, each single one, pairs with
CAP_SYS_ADMIN and all of them, for each machine and for kernels on both sides of each minKernel,
and prints each difference as a line. Exit status 1 if there was any.
"""

import json
import sys
from typing import Any

from lading.kernel.capabilities import NAMES
from lading.kernel.seccomp import default_profile

GO_MACHINES = {
    "x86_64": "amd64",
    "aarch64": "arm64",
    "riscv64": "riscv64",
    "s390x": "s390x",
    "ppc64le": "ppc64le",
}
KERNELS = ((4, 7), (4, 8), (6, 18))
Meaning = set[tuple[str, str, int | None, str]]


def meaning(rules: list[dict[str, Any]]) -> Meaning:
    """Rules as a set of (name, action, errno, arguments): order and grouping do not matter."""
    return {
        (
            name,
            rule["action"],
            rule.get("errnoRet"),
            str([(a["index"], a["op"], a["value"], a.get("valueTwo", 0)) for a in rule["args"]])
            if rule.get("args")
            else "",
        )
        for rule in rules
        for name in rule["names"]
    }


def applies(
    rule: dict[str, Any], capabilities: frozenset[str], machine: str, kernel: tuple[int, int]
) -> bool:
    """Whether the file's conditions put this rule into the profile."""
    include, exclude = rule.get("includes") or {}, rule.get("excludes") or {}
    if machine in exclude.get("arches", ()) or capabilities & set(exclude.get("caps", ())):
        return False
    if include.get("arches") and machine not in include["arches"]:
        return False
    minimum = include.get("minKernel", "0.0").split(".")
    return capabilities >= set(include.get("caps", ())) and kernel >= (
        int(minimum[0]),
        int(minimum[1]),
    )


def differences(document: dict[str, Any]) -> list[str]:
    """One line for each difference between the file and our table."""
    found = set()
    sets = [frozenset[str](), frozenset(NAMES)]
    sets += [frozenset({name}) for name in NAMES]
    sets += [frozenset({name, "CAP_SYS_ADMIN"}) for name in NAMES]
    for machine, go_machine in GO_MACHINES.items():
        for kernel in KERNELS:
            for held in sets:
                ours = default_profile.profile(held, machine, kernel)
                chosen = [r for r in document["syscalls"] if applies(r, held, go_machine, kernel)]
                for entry in meaning(ours["syscalls"]) ^ meaning(chosen):
                    found.add(f"{machine} {kernel} {entry}")
    for field in ("defaultAction", "defaultErrnoRet"):
        if document[field] != ours[field]:
            found.add(f"{field}: {document[field]} is not {ours[field]}")
    for entry in document["archMap"]:
        name = entry["architecture"].removeprefix("SCMP_ARCH_").lower()
        wanted = [entry["architecture"], *(entry["subArchitectures"] or [])]
        if name in GO_MACHINES and default_profile.profile((), name)["architectures"] != wanted:
            found.add(f"architectures of {name}: {wanted}")
    return sorted(found)


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as source:
        lines = differences(json.load(source))
    print("\n".join(lines) or "no difference")
    sys.exit(bool(lines))
