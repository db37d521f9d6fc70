"""Which profile a container gets, and what the engine's own forbids."""

import re
from pathlib import Path

import pytest

from lading.containers.apparmor import AppArmor, ProfileNotLoaded, chosen, others, profile
from lading.kernel import apparmor as kernel
from lading.kernel import lsm
from lading.wire.host_config import HostConfig

NAME = "lading-default-0123abcd"


def forbidden(path: str) -> set[str]:
    """The letters of what the profile denies for a path, by the meaning of man 5 apparmor.d."""
    found: set[str] = set()
    for line in profile(NAME).splitlines():
        match = re.fullmatch(r" *deny (/\S*) (\w+),", line)
        if match is None:
            continue
        pattern = re.sub(r"\*\*|\*", lambda star: ".*" if star[0] == "**" else "[^/]*", match[1])
        if re.fullmatch(pattern, path):
            found |= set(match[2])
    return found


@pytest.mark.parametrize(
    "path",
    [
        "/proc/1/attr/exec", "/proc/17/oom_score_adj", "/proc/17/task/18/comm",
        "/proc/sys/kernel/shmmax", "/proc/sys/kernel/shm_rmid_forced",
        "/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes",
        "/etc/passwd", "/system", "/processes/x",
    ],
)  # fmt: skip
def test_what_is_the_containers_own_may_be_written(path: str) -> None:
    assert "w" not in forbidden(path)


@pytest.mark.parametrize(
    "path",
    [
        "/proc/uptime", "/proc/acpi/wakeup", "/proc/scsi/scsi", "/proc/self.x/y", "/proc/sysvipc",
        "/proc/sys/vm/overcommit_memory", "/proc/sys/kernel/core_pattern", "/proc/sys/kernel/sem",
        "/proc/sys/kernelx/y", "/proc/sys/net/ipv4/ip_forward", "/proc/sysrq-trigger",
        "/sys/module/x/parameters/y", "/sys/fs/bpf/x", "/sys/fs/cgroupx/y", "/sys/kernel/debug/x",
        "/sys/firmware/efi/efivars/x", "/sys/devices/virtual/powercap/x",
    ],
)  # fmt: skip
def test_what_is_the_hosts_may_not(path: str) -> None:
    assert "w" in forbidden(path)


@pytest.mark.parametrize(
    "path", ["/proc/kcore", "/sys/kernel/security/apparmor/profiles", "/sys/firmware/dmi/tables"]
)
def test_what_tells_of_the_host_may_not_even_be_read(path: str) -> None:
    assert "r" in forbidden(path)


def test_all_but_one_prefix_is_said_letter_by_letter() -> None:
    assert others("/sys/", "fs/") == ["/sys/[^f]**", "/sys/f[^s]**", "/sys/fs[^/]**"]


@pytest.mark.parametrize(
    ("host", "name"),
    [
        (HostConfig(), NAME),
        (HostConfig(security_opt=["apparmor=unconfined"]), "unconfined"),
        (HostConfig(security_opt=["apparmor:mine"]), "mine"),
        (HostConfig(security_opt=["apparmor=a", "apparmor=b"]), "b"),
        (HostConfig(security_opt=["apparmor=docker-default"]), NAME),
        (HostConfig(privileged=True, security_opt=["apparmor=mine"]), "unconfined"),
    ],
)
def test_a_container_gets_the_default_or_what_was_asked(host: HostConfig, name: str) -> None:
    assert chosen(host, NAME) == name


@pytest.mark.skipif(kernel.parser() is None, reason="needs apparmor_parser")
def test_the_profile_compiles() -> None:
    assert NAME.encode() in kernel.compile(profile(NAME))


@pytest.mark.skipif(kernel.parser() is None, reason="needs apparmor_parser")
def test_what_is_no_profile_is_refused_in_the_compilers_words() -> None:
    with pytest.raises(kernel.NotCompiled, match="syntax error"):
        kernel.compile("profile x {")


class Host:
    """A securityfs of plain files, which takes what is written to it."""

    def __init__(self, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.place = place
        self.compiled = 0
        for name in (".replace", ".remove", "profiles"):
            (place / name).write_bytes(b"")
        monkeypatch.setattr(lsm, "has_apparmor", lambda: True)
        monkeypatch.setattr(kernel, "obstacle", lambda: "")
        monkeypatch.setattr(kernel, "compile", self._compile)
        for function in ("loaded", "load", "remove"):
            original = getattr(kernel, function)
            monkeypatch.setattr(
                kernel, function, lambda *words, call=original: call(*words, place=str(place))
            )

    def _compile(self, text: str) -> bytes:
        self.compiled += 1
        return text.encode()

    def has(self, *names: str) -> None:
        lines = "".join(f"{name} (enforce)\n" for name in names)
        (self.place / "profiles").write_text(lines)


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    return Host(tmp_path, monkeypatch)


def test_the_profile_is_loaded_at_its_first_use_and_when_it_was_removed(host: Host) -> None:
    found = AppArmor("0123abcd")
    assert not found.is_missing()
    assert found.ensure(HostConfig(privileged=True)) == "unconfined"
    assert (host.place / ".replace").read_bytes() == b""
    assert found.ensure(HostConfig()) == NAME
    assert (host.place / ".replace").read_bytes().decode() == profile(NAME)
    host.has("other", NAME)
    (host.place / ".replace").write_bytes(b"")
    found.ensure(HostConfig())
    assert not found.is_missing()
    assert (host.place / ".replace").read_bytes() == b""
    host.has("other")
    assert found.is_missing()
    found.ensure(HostConfig())
    assert (host.place / ".replace").read_bytes().decode() == profile(NAME)
    assert host.compiled == 1


def test_a_container_does_not_start_without_the_profile_it_should_have(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_: str) -> bytes:
        raise kernel.NotCompiled("no memory")

    monkeypatch.setattr(kernel, "compile", fails)
    with pytest.raises(ProfileNotLoaded, match=r"profile could not be loaded: .*no memory"):
        AppArmor("0123abcd").ensure(HostConfig())


def test_without_the_compiler_containers_are_unconfined_and_info_warns(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kernel, "obstacle", lambda: "apparmor_parser is not installed")
    found = AppArmor("0123abcd")
    assert found.ensure(HostConfig()) == "unconfined"
    assert found.ensure(HostConfig(security_opt=["apparmor=mine"])) == "mine"
    assert "apparmor_parser is not installed" in found.warning()


def test_a_host_without_apparmor_gives_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lsm, "has_apparmor", lambda: False)
    found = AppArmor("0123abcd")
    assert found.ensure(HostConfig(security_opt=["apparmor=mine"])) == ""
    assert found.warning() == ""


def test_names_of_profiles_may_have_spaces(tmp_path: Path) -> None:
    (tmp_path / "profiles").write_text("a b (complain)\nc//d (enforce)\n")
    assert kernel.loaded(str(tmp_path)) == {"a b", "c//d"}
    assert kernel.loaded("/nowhere") == set()
