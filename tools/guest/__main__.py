"""Run tests, or any command, in the guest.

python -m tools.guest                       the tests for which there is a guest
python -m tools.guest --small               a few of them, in a minute
python -m tools.guest tests/unit/runtime    pytest with these arguments
python -m tools.guest --shell 'lading run ...'
"""

import argparse
import shlex
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from tools.guest import image, machine

DEFAULT = ("tests/guest", "tests/unit/kernel", "tests/unit/runtime", "tests/contract/networks")
SMALL = (  # a minute's worth: each of systemd, AppArmor, and an engine on cgroup v2 alone
    "tests/guest/test_systemd.py::test_a_scope_has_its_limits_in_the_files_and_in_systemds_mind",
    "tests/guest/test_systemd.py::test_a_name_is_free_again_when_its_group_is_removed",
    "tests/guest/test_apparmor.py::test_a_container_has_the_engines_profile_and_so_has_an_exec",
    "tests/guest/test_engine.py::test_limits_are_in_the_files_of_the_container",
)
UNAVAILABLE = 69  # EX_UNAVAILABLE, sysexits.h
# of our packages those that linting needs, and what is not needed where nothing is installed
SKIPPED = (
    *("mypy", "mypyc", "pip", "setuptools", "grimp", "rich", "ruff", "pkg_resources"),
    *("importlinter", ".git", ".venv", ".hypothesis", ".mypy_cache", ".ruff_cache"),
)
ENVIRONMENT = """
export PYTHONPATH=/guest/source/src HOME=/root PATH=$PATH:/guest/source/bin
"""
PYTEST = "python3 -m pytest -v --color=no -p no:cacheprovider --timeout 300"
LIMIT_S = 1800


def main() -> int:
    """Returns the exit status of what ran in the guest; 69 when there can be none here."""
    flags = argparse.ArgumentParser(prog="python -m tools.guest", description=__doc__)
    flags.formatter_class = argparse.RawDescriptionHelpFormatter
    flags.add_argument("--shell", metavar="COMMAND", help="run this instead of pytest")
    flags.add_argument("--small", action="store_true", help="fewer tests, a smaller guest")
    flags.add_argument("--limit", type=float, default=LIMIT_S, metavar="SECONDS")
    words, rest = flags.parse_known_args()
    lacking = image.missing()
    if shutil.which(machine.QEMU) is None:
        lacking.append(machine.QEMU)
    if lacking:
        print(
            f"no guest: {', '.join(lacking)} not installed "
            "(apt-get install qemu-system-x86 mmdebstrap e2fsprogs)",
            file=sys.stderr,
        )
        return UNAVAILABLE
    try:
        disk = image.get(small=words.small)
    except subprocess.CalledProcessError as error:
        print(f"no guest: its disk cannot be built: {error}", file=sys.stderr)
        return UNAVAILABLE
    tests = rest or (SMALL if words.small else DEFAULT)
    command = words.shell or f"{PYTEST} {shlex.join(tests)}"
    source = Path(__file__).parents[2]
    trees = {"source": source, "packages": Path(sysconfig.get_path("purelib"))}
    script = f"{ENVIRONMENT}\n{command}\n"
    return machine.run(disk, trees, script, skipped=SKIPPED, timeout_s=words.limit)


if __name__ == "__main__":
    sys.exit(main())
