"""What one container costs by the OCI command line: lading-runtime, and runc and crun beside it.

Each runs `true` in the same bundle (what dockerd writes, with its seccomp profile), turn by turn in
the same run. CPU is that of the command and all its children. Needs root and busybox.

    python -m bench.oci_command [--runs 30] [--pause-ms 20]
"""

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

from bench.raw_runtime import docker_spec, make_root, workplace

from lading.kernel import capabilities, mount, namespaces
from lading.kernel.seccomp.default_profile import profile

SOURCE = Path(__file__).parents[1] / "src"
PROGRAM = f"import sys; sys.path.insert(0, {str(SOURCE)!r}); "
PROGRAM += "from lading.app.lading_runtime import main; main()"
HYBRID = "/sys/fs/cgroup/unified"  # crun does not work where v2 is mounted beside v1


def commands() -> dict[str, list[str]]:
    """Those that are installed; the first is ours, started as its installed script is."""
    found = {"lading-runtime": [sys.executable, "-I", "-S", "-c", PROGRAM]}
    for name in ("runc", "crun"):
        path = shutil.which(name)
        if path:
            found[name] = [path]
    return found


def hide_hybrid_tree() -> None:
    """From all three, in a mount namespace of ours."""
    namespaces.unshare(namespaces.CLONE_NEWNS)
    mount.mount("none", "/", "", mount.MS_PRIVATE | mount.MS_REC)
    if os.path.ismount(HYBRID):
        mount.umount2(HYBRID, mount.MNT_DETACH)


def once(command: list[str], bundle: Path, state: Path) -> tuple[float, float]:
    """Wall and CPU milliseconds of one run."""
    words = [*command, "--root", str(state), "run", "-b", str(bundle), f"bench{os.getpid()}"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True)
    wall = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        raise SystemExit(f"{words[0]}: {done.stderr.decode()}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall * 1000, cpu * 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=30)
    parser.add_argument("--pause-ms", type=float, default=20)
    options = parser.parse_args()
    with workplace() as work:
        bundle = work / "bundle"
        bundle.mkdir()
        spec = docker_spec(make_root(work), work, ["/bin/true"])
        spec["ociVersion"] = "1.0.2"  # Debian's crun knows no later one
        spec["linux"]["seccomp"] = profile(capabilities.DEFAULT)
        (bundle / "config.json").write_text(json.dumps(spec))
        hide_hybrid_tree()
        took: dict[str, list[tuple[float, float]]] = {name: [] for name in commands()}
        for _ in range(options.runs):
            for name, command in commands().items():
                time.sleep(options.pause_ms / 1000)
                took[name].append(once(command, bundle, work / name))
    print(f"{'':16}{'wall ms':>10}{'best':>8}{'CPU ms':>10}{'best':>8}   medians of {options.runs}")
    for name, pairs in took.items():
        walls, cpus = zip(*pairs, strict=True)
        print(
            f"{name:16}{statistics.median(walls):10.1f}{min(walls):8.1f}"
            f"{statistics.median(cpus):10.1f}{min(cpus):8.1f}"
        )


if __name__ == "__main__":
    main()
