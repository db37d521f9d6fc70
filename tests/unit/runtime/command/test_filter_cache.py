"""A filter is compiled once, and what a crash or a stranger left is not loaded."""

import os
from pathlib import Path
from typing import Any

import pytest
from tests.unit.runtime.command.bundle import Bundle, linux

from lading.kernel.seccomp.bpf import compile_filter
from lading.runtime.command import filter_cache

PROFILE = {
    "defaultAction": "SCMP_ACT_ALLOW",
    "syscalls": [{"names": ["mkdir"], "action": "SCMP_ACT_ERRNO"}],
}
MACHINE = os.uname().machine


def kept(root: Path) -> list[Path]:
    return sorted(root.glob(".seccomp-*"))


def test_what_is_kept_is_what_was_compiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = compile_filter(PROFILE, MACHINE)
    assert filter_cache.program(str(tmp_path), PROFILE, MACHINE) == expected

    def fail(*_: object) -> bytes:
        raise AssertionError("compiled again")

    monkeypatch.setattr("lading.kernel.seccomp.bpf.compile_filter", fail)
    assert filter_cache.program(str(tmp_path), PROFILE, MACHINE) == expected
    assert filter_cache.program(str(tmp_path), None, MACHINE) is None
    with pytest.raises(AssertionError, match="compiled again"):
        filter_cache.program(str(tmp_path), {**PROFILE, "flags": []}, MACHINE)


@pytest.mark.parametrize("damage", [b"", b"x" * 100, None])
def test_a_damaged_file_is_replaced(tmp_path: Path, damage: bytes | None) -> None:
    expected = filter_cache.program(str(tmp_path), PROFILE, MACHINE)
    (file,) = kept(tmp_path)
    whole = file.read_bytes()
    file.write_bytes(whole[:-8] if damage is None else damage)
    assert filter_cache.program(str(tmp_path), PROFILE, MACHINE) == expected
    assert file.read_bytes() == whole


def test_a_file_of_another_user_or_behind_a_link_is_not_read(tmp_path: Path) -> None:
    filter_cache.program(str(tmp_path), PROFILE, MACHINE)
    (file,) = kept(tmp_path)
    os.chown(file, 12345, -1)
    filter_cache.program(str(tmp_path), PROFILE, MACHINE)
    assert file.stat().st_uid == os.geteuid()
    file.rename(tmp_path / "elsewhere")
    file.symlink_to(tmp_path / "elsewhere")
    filter_cache.program(str(tmp_path), PROFILE, MACHINE)
    assert not file.is_symlink()


def test_there_are_never_very_many(tmp_path: Path) -> None:
    for number in range(filter_cache.MAX_FILES + 5):
        profile: dict[str, Any] = {**PROFILE, "defaultErrnoRet": number}
        filter_cache.program(str(tmp_path), profile, MACHINE)
    assert len(kept(tmp_path)) == filter_cache.MAX_FILES


def test_without_a_place_for_it_the_filter_is_compiled_each_time(tmp_path: Path) -> None:
    assert filter_cache.program(str(tmp_path / "missing"), PROFILE, MACHINE)


def test_it_is_no_container_and_holds_for_execs(bundle: Bundle) -> None:
    bundle.start("sleep", "1000", change=linux(seccomp=PROFILE))
    assert len(kept(bundle.state)) == 1
    assert bundle.call("list", "-q").stdout == "c1\n"
    done = bundle.call("exec", "c1", "busybox", "mkdir", "/dev/shm/x")
    assert (done.returncode, "Operation not permitted" in done.stderr) == (1, True)
    assert len(kept(bundle.state)) == 1
