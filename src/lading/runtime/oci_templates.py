"""Documents that `lading-runtime spec` and `features` print."""

from __future__ import annotations

from lading.kernel import namespaces
from lading.version import VERSION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

CAPABILITIES = ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"]  # runc's own template
MASKED = "acpi asound interrupts kcore keys latency_stats sched_debug scsi timer_list timer_stats"
READONLY = "bus fs irq sys sysrq-trigger"


def version() -> str:
    """The lines that podman and go-runc read."""
    return f"lading-runtime version {VERSION}\nspec: 1.2.0"


def spec() -> dict[str, Any]:
    """A bundle's config.json to begin with: a shell in new namespaces."""
    locked = ["nosuid", "noexec", "nodev"]
    return {
        "ociVersion": "1.2.0",
        "process": {
            "terminal": True,
            "user": {"uid": 0, "gid": 0},
            "args": ["sh"],
            "env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
            "cwd": "/",
            "capabilities": {k: CAPABILITIES for k in ("bounding", "effective", "permitted")},
            "noNewPrivileges": True,
        },
        "root": {"path": "rootfs", "readonly": True},
        "hostname": "lading",
        "mounts": [
            _mount("/proc", "proc", "proc", locked),
            _mount("/dev", "tmpfs", "tmpfs", ["nosuid", "strictatime", "mode=755", "size=65536k"]),
            _mount("/dev/pts", "devpts", "devpts", [*locked[:2], "ptmxmode=0666", "mode=0620"]),
            _mount("/dev/shm", "tmpfs", "shm", [*locked, "mode=1777", "size=65536k"]),
            _mount("/dev/mqueue", "mqueue", "mqueue", locked),
            _mount("/sys", "sysfs", "sysfs", [*locked, "ro"]),
            _mount("/sys/fs/cgroup", "cgroup", "cgroup", [*locked, "ro"]),
        ],
        "linux": {
            "namespaces": [{"type": kind} for kind in namespaces.FLAGS],
            "maskedPaths": [*(f"/proc/{name}" for name in MASKED.split()), "/sys/firmware"],
            "readonlyPaths": [f"/proc/{name}" for name in READONLY.split()],
        },
    }


def _mount(destination: str, fstype: str, source: str, options: list[str]) -> dict[str, Any]:
    return {"destination": destination, "type": fstype, "source": source, "options": options}


def features(mount_words: Iterable[str], known: Iterable[str]) -> dict[str, Any]:
    """What this runtime can do. Spec: features.md, features-linux.md."""
    return {
        "ociVersionMin": "1.0.0",
        "ociVersionMax": "1.2.0",
        "hooks": [],
        "mountOptions": sorted(mount_words),
        "linux": {
            "namespaces": sorted(namespaces.FLAGS),
            "capabilities": list(known),
            "cgroup": {"v1": True, "v2": True, "systemd": False, "systemdUser": False},
            "seccomp": {"enabled": True},
            "apparmor": {"enabled": False},
            "selinux": {"enabled": False},
        },
    }
