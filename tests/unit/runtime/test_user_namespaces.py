"""Containers whose root is nobody on the host."""

import os
from pathlib import Path
from typing import Any

from tests.unit.runtime.command.bundle import Bundle, Change

OUTSIDE = 200_000
MAPPING = [{"containerID": 0, "hostID": OUTSIDE, "size": 65536}]


def mapped(more: Change | None = None) -> Change:
    """A new user namespace whose ids begin at OUTSIDE."""

    def change(spec: dict[str, Any]) -> None:
        spec["linux"]["namespaces"].append({"type": "user"})
        spec["linux"] |= {"uidMappings": MAPPING, "gidMappings": MAPPING}
        # what belongs to nobody inside cannot be changed by its root
        spec["mounts"].append({"destination": "/tmp", "type": "tmpfs", "options": ["mode=1777"]})
        if more is not None:
            more(spec)

    return change


def test_root_inside_is_nobody_outside(bundle: Bundle) -> None:
    pid = bundle.start("sleep", "1000", change=mapped())
    assert os.stat(f"/proc/{pid}").st_uid == OUTSIDE
    done = bundle.call("exec", "c1", "sh", "-c", "id -u; cat /proc/self/uid_map; touch /tmp/x")
    assert done.stdout.split() == ["0", "0", str(OUTSIDE), "65536"], done.stderr


def test_all_namespaces_belong_to_it(bundle: Bundle) -> None:
    script = "hostname changed && hostname; mount -t tmpfs x /dev/shm && echo mounted"
    capabilities = {k: ["CAP_SYS_ADMIN"] for k in ("bounding", "effective", "permitted")}

    def change(spec: dict[str, Any]) -> None:
        spec["process"]["capabilities"] = capabilities

    assert bundle.shell(script, change=mapped(change)) == "changed\nmounted\n"


def test_its_devices_are_its_own_and_can_be_used(bundle: Bundle) -> None:
    output = bundle.shell(
        "stat -c %u:%g:%t:%T /dev/null; echo x > /dev/null; head -c2 /dev/zero | wc -c",
        change=mapped(),
    )
    assert output.split() == ["0:0:1:3", "2"]


def test_a_source_that_only_the_hosts_root_may_reach_is_bound(bundle: Bundle) -> None:
    secret = bundle.path / "closed"
    secret.mkdir(0o700)
    (secret / "file").write_text("hello\n")

    def change(spec: dict[str, Any]) -> None:
        bind = {"destination": "/tmp/opened", "type": "bind", "source": str(secret / "file")}
        spec["mounts"].append(bind | {"options": ["bind", "ro"]})

    assert bundle.shell("cat /tmp/opened", change=mapped(change)) == "hello\n"


def test_an_id_mapped_mount_shows_the_hosts_owner_as_inside(bundle: Bundle) -> None:
    data = bundle.path / "data"
    data.mkdir(0o755)
    (data / "mine").touch()
    os.chown(data / "mine", 7, 8)

    def change(spec: dict[str, Any]) -> None:
        bind = {"destination": "/tmp/data", "type": "bind", "source": str(data)}
        spec["mounts"].append(bind | {"options": ["bind", "idmap"]})

    assert bundle.shell("stat -c %u:%g /tmp/data/mine", change=mapped(change)) == "7:8\n"


def test_a_mount_can_have_a_mapping_of_its_own_without_a_user_namespace(bundle: Bundle) -> None:
    (bundle.path / "mine").touch()
    os.chown(bundle.path / "mine", 3, 4)
    shifted = [{"containerID": 0, "hostID": 1000, "size": 100}]

    def change(spec: dict[str, Any]) -> None:
        bind = {"destination": "/x", "type": "bind", "source": str(bundle.path / "mine")}
        mappings = {"uidMappings": shifted, "gidMappings": shifted}
        spec["mounts"].append(bind | mappings | {"options": ["bind", "idmap"]})

    assert bundle.shell("stat -c %u:%g /x", change=change) == "1003:1004\n"


def test_a_user_namespace_is_joined_by_path(bundle: Bundle) -> None:
    pid = bundle.start("sleep", "1000", change=mapped())
    other = Bundle(bundle.path / "other", bundle.rootfs)
    other.path.mkdir()

    def change(spec: dict[str, Any]) -> None:
        spec["linux"]["namespaces"].append({"type": "user", "path": f"/proc/{pid}/ns/user"})

    try:
        output = other.shell("readlink /proc/self/ns/user; id -u", change=change)
    finally:
        other.close()
    assert output.split() == [os.readlink(f"/proc/{pid}/ns/user"), "0"]


def test_the_oom_score_is_set_from_outside(bundle: Bundle) -> None:
    def change(spec: dict[str, Any]) -> None:
        spec["process"]["oomScoreAdj"] = 700

    assert bundle.shell("cat /proc/self/oom_score_adj", change=mapped(change)) == "700\n"


def test_mappings_and_namespace_go_together(bundle: Bundle) -> None:
    def mappings(spec: dict[str, Any]) -> None:
        spec["linux"] |= {"uidMappings": MAPPING, "gidMappings": MAPPING}

    assert "user namespace isn't enabled" in bundle.run("true", change=mappings).stderr

    def namespace(spec: dict[str, Any]) -> None:
        spec["linux"]["namespaces"].append({"type": "user"})

    assert "no mapping found" in bundle.run("true", change=namespace).stderr
    assert list(Path(bundle.state).iterdir()) == []


def test_a_mapping_that_the_kernel_refuses_ends_the_start(bundle: Bundle) -> None:
    def negative(spec: dict[str, Any]) -> None:
        spec["linux"]["uidMappings"] = [{"containerID": 0, "hostID": -1, "size": 1}]

    done = bundle.run("true", change=mapped(negative), timeout=30)
    assert (done.returncode, "invalid argument" in done.stderr) == (1, True)
    assert "does not exist" in bundle.call("state", "c1").stderr
