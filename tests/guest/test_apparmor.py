"""AppArmor with a kernel that has it: the default profile, other ones, exec, a lost one.

In the guest: `scripts/guest-tests`. Elsewhere they are skipped, unless the host has AppArmor.
"""

import json
import os
import subprocess
from collections.abc import Iterator

import pytest
from tests.guest.conftest import Host, opened

from lading.containers.apparmor import name_of
from lading.kernel import apparmor

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or bool(apparmor.obstacle()),
    reason="needs AppArmor and its compiler: scripts/guest-tests",
)
CONFINED = "/proc/self/attr/apparmor/current"
# mounts nothing, but asks the profile: without rights it would be EPERM instead of EACCES
MOUNT = "mount -t tmpfs none /mnt"
MINE = """profile lading-test-mine flags=(attach_disconnected) {
  file, network, capability, signal, ptrace,
  deny /etc/passwd r,
}
"""


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    yield from opened()


@pytest.fixture(scope="module")
def default(host: Host) -> str:
    return name_of(host.engine.get("/info")["ID"])


def run(host: Host, script: str, *flags: str) -> subprocess.CompletedProcess[str]:
    return host.run("run", "--rm", *flags, "base", "sh", "-c", script)


def test_a_container_has_the_engines_profile_and_so_has_an_exec(host: Host, default: str) -> None:
    host.lading("run", "-d", "--name", "box", "base", "sleep", "600")
    pid = host.inspect("box", ".State.Pid")
    with open(f"/proc/{pid}/attr/current") as file:
        assert file.read().strip() == f"{default} (enforce)"
    assert host.lading("exec", "box", "cat", CONFINED) == f"{default} (enforce)"
    assert host.lading("exec", "--privileged", "box", "cat", CONFINED) == f"{default} (enforce)"
    assert host.inspect("box", ".AppArmorProfile") == default
    host.lading("rm", "-f", "box")


def test_info_tells_of_it(host: Host) -> None:
    info = host.engine.get("/info")
    assert info["SecurityOptions"][0] == "name=apparmor"
    assert not [text for text in info["Warnings"] or [] if "AppArmor" in text]


def test_root_with_all_capabilities_may_neither_mount_nor_write_to_what_is_the_hosts(
    host: Host,
) -> None:
    flags = "--cap-add ALL --security-opt seccomp=unconfined --security-opt systempaths=unconfined"
    unconfined = [*flags.split(), "--security-opt", "apparmor=unconfined"]
    assert run(host, MOUNT, *unconfined).returncode == 0
    assert run(host, MOUNT, *flags.split()).returncode != 0
    for file in (
        "/proc/sys/kernel/core_pattern",
        "/proc/sysrq-trigger",
        "/proc/sys/vm/drop_caches",
    ):
        script = f"test -e {file} || exit 3; true >{file}"
        assert run(host, script, *flags.split()).returncode not in (0, 3), file
    assert run(host, "cat /proc/kcore >/dev/null", *flags.split()).returncode != 0
    script = (
        "true >/proc/self/oom_score_adj; echo x >/tmp/x; kill -0 1; cat /proc/1/status >/dev/null"
    )
    assert run(host, script, *flags.split()).returncode == 0


def test_unconfined_and_privileged_containers_have_none(host: Host) -> None:
    for flags in (["--security-opt", "apparmor=unconfined"], ["--privileged"]):
        done = run(host, f"cat {CONFINED}", *flags)
        assert done.stdout.strip() == "unconfined", done.stderr
    host.lading("create", "--name", "open", "--privileged", "base", "true")
    assert host.inspect("open", ".AppArmorProfile") == "unconfined"
    host.lading("rm", "open")


def test_another_profile_is_used_when_it_is_loaded(host: Host) -> None:
    apparmor.load("lading-test-mine", apparmor.compile(MINE))
    try:
        done = run(
            host, f"cat {CONFINED}; cat /etc/passwd", "--security-opt", "apparmor=lading-test-mine"
        )
        assert done.stdout.strip() == "lading-test-mine (enforce)"
        assert "denied" in done.stderr
    finally:
        apparmor.remove("lading-test-mine")


def test_one_that_is_not_loaded_is_an_error_at_the_start(host: Host) -> None:
    done = run(host, "true", "--security-opt", "apparmor=no-such-profile")
    assert done.returncode == 125
    assert "unable to apply apparmor profile" in done.stderr
    assert "no-such-profile is not loaded" in done.stderr


def test_no_new_privileges_goes_with_a_profile(host: Host, default: str) -> None:
    done = run(host, f"cat {CONFINED}", "--security-opt", "no-new-privileges")
    assert done.stdout.strip() == f"{default} (enforce)", done.stderr


def test_a_profile_that_somebody_removed_is_missed_and_loaded_again(
    host: Host, default: str
) -> None:
    assert run(host, "true").returncode == 0
    apparmor.remove(default)
    [finding] = host.engine.get("/lading/system/check")["findings"]
    assert (finding["kind"], finding["name"]) == ("AppArmor profile", default), json.dumps(finding)
    assert run(host, f"cat {CONFINED}").stdout.strip() == f"{default} (enforce)"
    assert host.engine.findings() == []


def test_clean_up_takes_the_profile_off_the_host() -> None:
    host = Host()
    assert run(host, "true").returncode == 0
    engine = host.engine
    name = name_of(engine.get("/info")["ID"])
    assert name in apparmor.loaded()
    engine.stop()
    engine.flags = ["--clean-up"]
    engine.launch()
    assert engine.wait_dead(120) == 0, engine.log()
    assert name not in apparmor.loaded()
    engine.flags = []
    engine.close()
