"""spec, features, plan and the version: documents to print or write."""

from __future__ import annotations

import json
import os

from lading.errors import Conflict
from lading.kernel import capabilities, lsm, namespaces, resctrl, scheduling
from lading.kernel.cgroup.hierarchy import hierarchies
from lading.kernel.seccomp import load, rules
from lading.runtime import hooks, mount_options, plan
from lading.runtime.command.store import OCI_VERSION
from lading.version import VERSION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from lading.runtime.command.flags import Options
    from lading.runtime.command.main import Invocation
    from lading.runtime.spec import Request

CAPABILITIES = ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"]  # runc's own template
MASKED = "acpi asound interrupts kcore keys latency_stats sched_debug scsi timer_list timer_stats"
PTS = ("newinstance", "ptmxmode=0666", "mode=0620", "gid=5")  # gid 5 is Debian's and others' tty
READONLY = "bus fs irq sys sysrq-trigger"


class FileThere(Conflict):
    """file {0} exists, remove it first"""


def version() -> str:
    """The lines that podman, dockerd and go-runc read; the name is what comes before `version`."""
    name = "lading-runtime, in place of runc"
    return f"{name} version {VERSION}\ncommit: v{VERSION}\nspec: {OCI_VERSION}"


def spec(*, rootless: bool = False) -> dict[str, Any]:
    """A bundle's config.json to begin with: a shell in new namespaces."""
    made = _template()
    if rootless:
        made["linux"]["namespaces"] = [
            {"type": kind} for kind in ("pid", "ipc", "uts", "mount", "cgroup", "user")
        ]
        for key, own in (("uidMappings", os.getuid()), ("gidMappings", os.getgid())):
            made["linux"][key] = [{"containerID": 0, "hostID": own, "size": 1}]
        # without a network namespace nobody may mount a new sysfs
        sysfs = {"destination": "/sys", "type": "none", "source": "/sys"}
        sysfs["options"] = ["rbind", "nosuid", "noexec", "nodev", "ro"]  # type: ignore[assignment]
        kept = [m for m in made["mounts"] if m["destination"] not in ("/sys", "/sys/fs/cgroup")]
        for entry in kept:  # root is the only id there is
            options = entry.get("options") or []
            entry["options"] = [o for o in options if not o.startswith(("uid=", "gid="))]
        made["mounts"] = [*kept, sysfs]
        del made["linux"]["resources"]
    return made


def _template() -> dict[str, Any]:
    locked = ["nosuid", "noexec", "nodev"]
    kinds = ["pid", "network", "ipc", "uts", "mount"]
    if hierarchies().is_unified():
        kinds.append("cgroup")
    return {
        "ociVersion": OCI_VERSION,
        "process": {
            "terminal": True,
            "user": {"uid": 0, "gid": 0},
            "args": ["sh"],
            "env": [
                "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                "TERM=xterm",
            ],
            "cwd": "/",
            "capabilities": {k: CAPABILITIES for k in ("bounding", "effective", "permitted")},
            "noNewPrivileges": True,
            "rlimits": [{"type": "RLIMIT_NOFILE", "hard": 1024, "soft": 1024}],
        },
        "root": {"path": "rootfs", "readonly": True},
        "hostname": "lading",
        "mounts": [
            _mount("/proc", "proc", "proc", locked),
            _mount("/dev", "tmpfs", "tmpfs", ["nosuid", "strictatime", "mode=755", "size=65536k"]),
            _mount("/dev/pts", "devpts", "devpts", [*locked[:2], *PTS]),
            _mount("/dev/shm", "tmpfs", "shm", [*locked, "mode=1777", "size=65536k"]),
            _mount("/dev/mqueue", "mqueue", "mqueue", locked),
            _mount("/sys", "sysfs", "sysfs", [*locked, "ro"]),
            _mount("/sys/fs/cgroup", "cgroup", "cgroup", [*locked, "ro"]),
        ],
        "linux": {
            "resources": {"devices": [{"allow": False, "access": "rwm"}]},
            "namespaces": [{"type": kind} for kind in kinds],
            "maskedPaths": [*(f"/proc/{name}" for name in MASKED.split()), "/sys/firmware"],
            "readonlyPaths": [f"/proc/{name}" for name in READONLY.split()],
        },
    }


def _mount(destination: str, fstype: str, source: str, options: list[str]) -> dict[str, Any]:
    return {"destination": destination, "type": fstype, "source": source, "options": options}


def features(_invocation: Invocation, _options: Options) -> int:
    """Print what this runtime can do. Spec: features.md, features-linux.md."""
    print(json.dumps(feature_document(), indent=2))
    return 0


def feature_document() -> dict[str, Any]:
    """The document, whose lists come from the tables that do the work."""
    return {
        "ociVersionMin": "1.0.0",
        "ociVersionMax": OCI_VERSION,
        "hooks": list(hooks.KINDS),
        "mountOptions": sorted(mount_options.words()),
        "linux": {
            "namespaces": sorted(namespaces.ALL_FLAGS),
            "capabilities": list(capabilities.known()),
            "cgroup": {
                "v1": True,
                "v2": True,
                "systemd": True,
                "systemdUser": True,
                "rdma": True,
            },
            "seccomp": {
                "enabled": True,
                "actions": sorted(rules.ACTIONS),
                "operators": sorted(rules.OPERATORS),
                "archs": sorted(rules.ARCHITECTURES),
                "knownFlags": sorted(load.FLAGS),
                "supportedFlags": sorted(load.FLAGS),
            },
            "apparmor": {"enabled": lsm.has_apparmor()},
            "selinux": {"enabled": lsm.has_selinux()},
            "intelRdt": {"enabled": resctrl.is_there()},
            "memoryPolicy": {
                "modes": sorted(scheduling.MEMORY_MODES),
                "flags": sorted(scheduling.MEMORY_FLAGS),
            },
            "mountExtensions": {"idmap": {"enabled": True}},
        },
        "annotations": {"org.opencontainers.lading.version": VERSION},
        "potentiallyUnsafeConfigAnnotations": [],
    }


def write_spec(_invocation: Invocation, options: Options) -> int:
    """Write a bundle's config.json to begin with; one that is there stays."""
    path = os.path.join(options.text("bundle", "."), "config.json")
    try:
        with open(path, "x") as file:
            json.dump(spec(rootless=options.switch("rootless")), file, indent="\t")
    except FileExistsError:
        raise FileThere(os.path.basename(path)) from None
    return 0


def show_plan(invocation: Invocation, options: Options) -> int:
    """What `create` would do, step by step."""
    from lading.runtime.command import create

    bundle = os.path.abspath((options.words or ["."])[0])
    name = options.text("id", "plan")
    found = create.read_spec(os.path.join(bundle, options.text("config", "config.json")))
    path = (found.get("linux") or {}).get("cgroupsPath") or ""
    found["linux"]["cgroupsPath"] = create.cgroup_path(path, name, systemd=invocation.systemd)
    root = found.setdefault("root", {})
    root["path"] = os.path.join(bundle, root.get("path") or "rootfs")
    request: Request = {"id": name, "directory": f"{invocation.root}/{name}", "spec": found}
    request["gate"] = True
    print(plan.describe(plan.compile(request, plan.read_host(), [])))
    return 0
