"""The runtime spec of a start, piece by piece, as JSON would have it."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from lading.containers import oci_spec
from lading.containers.mountpoints.record import MountRecord
from lading.containers.oci_spec import Bind, Surroundings, Walls
from lading.containers.record import ContainerRecord
from lading.kernel import capabilities
from lading.wire.containers import ContainerConfig
from lading.wire.host_config import HostConfig

MakeRecord = Callable[..., ContainerRecord]
NONE = Walls()
Build = Callable[..., dict[str, Any]]


@pytest.fixture
def build(make_record: MakeRecord) -> Build:
    """Builds the spec of a container and gives it as JSON gives it back."""

    def build(
        config: ContainerConfig | None = None,
        host: HostConfig | None = None,
        *,
        binds: tuple[Bind, ...] = (),
        mounts: list[MountRecord] | None = None,
        namespace_paths: dict[str, str] | None = None,
        init_path: str = "",
        walls: Walls = NONE,
    ) -> dict[str, Any]:
        record = make_record(
            config=config or ContainerConfig(cmd=["true"]), host=host, mounts=mounts
        )
        around = Surroundings(
            "box", "/lading/x", binds, namespace_paths or {}, init_path, walls=walls
        )
        spec: dict[str, Any] = msgspec.json.decode(
            msgspec.json.encode(oci_spec.build(record, around))
        )
        return spec

    return build


def at(spec: dict[str, Any], destination: str) -> dict[str, Any]:
    """The one mount there."""
    [mount] = [mount for mount in spec["mounts"] if mount["destination"] == destination]
    assert isinstance(mount, dict)
    return mount


def namespaces(spec: dict[str, Any]) -> dict[str, str]:
    return {each["type"]: each.get("path", "") for each in spec["linux"]["namespaces"]}


def test_the_process_of_a_plain_container(build: Build) -> None:
    process = build(ContainerConfig(entrypoint=["/entry"], cmd=["a", "b"]))["process"]
    names = process.pop("capabilities")["bounding"]
    assert set(names) == set(capabilities.DEFAULT)
    assert process == {
        "terminal": False,
        "user": {"username": "0", "groupAdd": []},
        "args": ["/entry", "a", "b"],
        "env": [f"PATH={oci_spec.DEFAULT_PATH}", "HOSTNAME=box"],
        "cwd": "/",
        "rlimits": [],
        "noNewPrivileges": False,
    }


def test_no_capability_is_inheritable_or_ambient(build: Build) -> None:
    host = HostConfig(privileged=True)
    assert build(host=host)["process"]["capabilities"].keys() == {
        "bounding",
        "effective",
        "permitted",
    }


def test_user_directory_and_groups_are_what_was_asked(build: Build) -> None:
    config = ContainerConfig(cmd=["true"], user="web:www", working_dir="/srv")
    process = build(config, HostConfig(group_add=["audio"]))["process"]
    assert process["user"] == {"username": "web:www", "groupAdd": ["audio"]}
    assert process["cwd"] == "/srv"


def test_init_stands_before_the_command(build: Build) -> None:
    assert build(init_path="/init")["process"]["args"] == ["/init", "--", "true"]


def test_a_terminal_has_a_type_and_the_size_of_the_clients(build: Build) -> None:
    process = build(ContainerConfig(cmd=["sh"], tty=True), HostConfig(console_size=(24, 80)))
    assert process["process"]["terminal"] is True
    assert "TERM=xterm" in process["process"]["env"]
    assert process["process"]["consoleSize"] == {"height": 24, "width": 80}


def test_without_a_terminal_there_is_no_size(build: Build) -> None:
    assert "consoleSize" not in build(host=HostConfig(console_size=(24, 80)))["process"]


def test_users_variables_replace_the_defaults(build: Build) -> None:
    config = ContainerConfig(cmd=["true"], env=["PATH=/mine", "A=1=2", "EMPTY="])
    assert build(config)["process"]["env"] == ["PATH=/mine", "HOSTNAME=box", "A=1=2", "EMPTY="]


def test_a_variable_named_without_value_is_taken_away(build: Build) -> None:
    config = ContainerConfig(cmd=["true"], env=["HOSTNAME", "NEVER_SET"])
    assert build(config)["process"]["env"] == [f"PATH={oci_spec.DEFAULT_PATH}"]


def test_capabilities_are_added_and_dropped(build: Build) -> None:
    host = HostConfig(cap_add=["SYS_TIME"], cap_drop=["ALL"])
    assert build(host=host)["process"]["capabilities"]["effective"] == ["CAP_SYS_TIME"]


def test_the_walls_say_whether_privileges_can_be_gained(build: Build) -> None:
    process = build(walls=Walls(no_new_privileges=True))["process"]
    assert process["noNewPrivileges"] is True


def test_a_score_for_the_oom_killer_is_handed_on(build: Build) -> None:
    assert build(host=HostConfig(oom_score_adj=-500))["process"]["oomScoreAdj"] == -500


@pytest.mark.parametrize("readonly", [False, True])
def test_the_root_is_read_only_when_asked(build: Build, readonly: bool) -> None:
    assert build(host=HostConfig(readonly_rootfs=readonly))["root"] == {
        "path": "rootfs",
        "readonly": readonly,
    }


def test_host_and_domain_have_their_names(build: Build) -> None:
    spec = build(ContainerConfig(cmd=["true"], domainname="example.org"))
    assert (spec["hostname"], spec["domainname"]) == ("box", "example.org")


def test_the_hosts_own_name_is_not_set(build: Build) -> None:
    spec = build(ContainerConfig(cmd=["x"], domainname="example.org"), HostConfig(uts_mode="host"))
    assert not {"hostname", "domainname"} & spec.keys()


def test_every_system_mount_is_there_before_the_users(build: Build) -> None:
    spec = build(binds=(Bind("/src", "/dst"),))
    assert [mount["destination"] for mount in spec["mounts"]] == [
        "/proc",
        "/dev",
        "/dev/pts",
        "/sys",
        "/sys/fs/cgroup",
        "/dev/mqueue",
        "/dev/shm",
        "/dst",
    ]


def test_a_bind_is_a_mount_with_its_options(build: Build) -> None:
    spec = build(binds=(Bind("/src", "/dst", ("rbind", "rprivate", "ro")),))
    assert at(spec, "/dst") == {
        "destination": "/dst",
        "type": "bind",
        "source": "/src",
        "options": ["rbind", "rprivate", "ro"],
    }


@pytest.mark.parametrize("place", ["/sys", "/sys/fs/cgroup"])
def test_sys_is_writable_for_the_privileged_only(build: Build, place: str) -> None:
    assert "ro" in at(build(), place)["options"]
    assert "ro" not in at(build(host=HostConfig(privileged=True)), place)["options"]


@pytest.mark.parametrize(("asked", "size"), [(0, 67108864), (4096, 4096)])
def test_shared_memory_has_its_size(build: Build, asked: int, size: int) -> None:
    shm = at(build(host=HostConfig(shm_size=asked)), "/dev/shm")
    assert (shm["type"], shm["source"]) == ("tmpfs", "shm")
    assert f"size={size}" in shm["options"]


def test_shared_memory_of_the_host_is_bound(build: Build) -> None:
    shm = at(build(host=HostConfig(ipc_mode="host")), "/dev/shm")
    assert (shm["type"], shm["source"]) == ("bind", "/dev/shm")


def test_a_container_may_have_no_shared_memory(build: Build) -> None:
    spec = build(host=HostConfig(ipc_mode="none"))
    assert "/dev/shm" not in [mount["destination"] for mount in spec["mounts"]]


def test_words_for_a_tmpfs_come_after_the_safe_defaults(build: Build) -> None:
    spec = build(host=HostConfig(tmpfs={"/run": "size=1m,exec", "/tmp": ""}))
    assert at(spec, "/run")["options"] == ["noexec", "nosuid", "nodev", "size=1m", "exec"]
    assert at(spec, "/tmp")["options"] == ["noexec", "nosuid", "nodev"]


def test_a_mount_of_memory_has_the_words_of_its_record(build: Build) -> None:
    mounts = [MountRecord("tmpfs", "/a", options=("noexec", "size=4096"))]
    spec = build(host=HostConfig(tmpfs={"/a": "size=1m"}), mounts=mounts)
    assert at(spec, "/a")["options"] == ["noexec", "size=4096"]


def test_whatever_is_mounted_further_out_comes_first(build: Build) -> None:
    binds = (Bind("/hosts", "/etc/hosts"), Bind("/src", "/run/a/b"), Bind("/etc", "/etc"))
    spec = build(host=HostConfig(tmpfs={"/run": ""}), binds=binds)
    places = [mount["destination"] for mount in spec["mounts"]]
    assert places[-4:] == ["/etc", "/run", "/etc/hosts", "/run/a/b"]


def test_what_is_asked_for_at_a_place_of_the_systems_is_there_instead(build: Build) -> None:
    spec = build(binds=(Bind("/src", "/dev/shm"), Bind("/mine", "/sys")))
    assert at(spec, "/dev/shm")["source"] == "/src"
    assert at(spec, "/sys")["source"] == "/mine"


def test_devices_of_the_users_own_have_nothing_of_ours_below(build: Build) -> None:
    spec = build(binds=(Bind("/dev", "/dev"),))
    assert not [m for m in spec["mounts"] if m["destination"].startswith("/dev/")]


def test_a_part_of_a_source_and_the_layers_of_an_image_are_told(build: Build) -> None:
    image = Bind("image base", "/img", ("ro",), subpath="etc", layers=("/2", "/1"))
    assert at(build(binds=(image,)), "/img") == {
        "destination": "/img",
        "type": "image",
        "source": "image base",
        "options": ["ro"],
        "subpath": "etc",
        "layers": ["/2", "/1"],
    }


def test_a_plain_container_has_every_namespace_of_its_own(build: Build) -> None:
    assert namespaces(build()) == dict.fromkeys(
        ["mount", "pid", "ipc", "uts", "network", "cgroup"], ""
    )


@pytest.mark.parametrize(
    ("host", "kind"),
    [
        (HostConfig(pid_mode="host"), "pid"),
        (HostConfig(ipc_mode="host"), "ipc"),
        (HostConfig(uts_mode="host"), "uts"),
        (HostConfig(network_mode="host"), "network"),
        (HostConfig(cgroupns_mode="host"), "cgroup"),
    ],
)
def test_a_namespace_of_the_host_is_not_made(build: Build, host: HostConfig, kind: str) -> None:
    assert namespaces(build()).keys() - namespaces(build(host=host)).keys() == {kind}


def test_another_containers_namespace_is_joined_by_its_path(build: Build) -> None:
    found = namespaces(build(namespace_paths={"network": "/proc/17/ns/net"}))
    assert (found["network"], found["pid"]) == ("/proc/17/ns/net", "")


def test_parts_of_proc_are_hidden_by_default(build: Build) -> None:
    linux = build()["linux"]
    assert "/proc/kcore" in linux["maskedPaths"]
    assert "/proc/sys" in linux["readonlyPaths"]


def test_the_user_says_what_is_hidden(build: Build) -> None:
    linux = build(host=HostConfig(masked_paths=["/proc/x"], readonly_paths=[]))["linux"]
    assert (linux["maskedPaths"], linux["readonlyPaths"]) == (["/proc/x"], [])


def test_nothing_is_hidden_when_paths_are_unconfined(build: Build) -> None:
    linux = build(host=HostConfig(security_opt=["systempaths=unconfined"]))["linux"]
    assert (linux["maskedPaths"], linux["readonlyPaths"]) == ([], [])


def test_nothing_is_hidden_from_the_privileged(build: Build) -> None:
    linux = build(host=HostConfig(privileged=True))["linux"]
    assert not {"maskedPaths", "readonlyPaths"} & linux.keys()


@pytest.mark.parametrize(
    ("option", "propagation"),
    [("rprivate", "private"), ("rslave", "rslave"), ("shared", "rslave")],
)
def test_the_root_follows_the_host_only_for_a_bind_that_does(
    build: Build, option: str, propagation: str
) -> None:
    spec = build(binds=(Bind("/src", "/dst", ("rbind", option)),))
    assert spec["linux"]["rootfsPropagation"] == propagation


def test_cgroup_and_sysctls_are_handed_on(build: Build) -> None:
    linux = build(host=HostConfig(sysctls={"net.ipv4.ip_forward": "1"}))["linux"]
    assert linux["cgroupsPath"] == "/lading/x"
    assert linux["sysctl"] == {"net.ipv4.ip_forward": "1"}
    assert build()["linux"]["sysctl"] == {}
