"""Run tests, or any command, in the guest.

python -m tools.guest                       the tests for which there is a guest
python -m tools.guest tests/unit/runtime    pytest with these arguments
python -m tools.guest --shell 'lading run ...'
"""

import argparse
import shlex
import shutil
import sys
import sysconfig
from pathlib import Path

from tools.guest import image, machine

DEFAULT = ("tests/unit/kernel", "tests/unit/runtime", "tests/guest")
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
    """Returns the exit status of what ran in the guest, 69 (EX_UNAVAILABLE) without qemu."""
    flags = argparse.ArgumentParser(prog="python -m tools.guest", description=__doc__)
    flags.formatter_class = argparse.RawDescriptionHelpFormatter
    flags.add_argument("--shell", metavar="COMMAND", help="run this instead of pytest")
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
        return 69
    command = words.shell or f"{PYTEST} {shlex.join(rest or DEFAULT)}"
    source = Path(__file__).parents[2]
    trees = {"source": source, "packages": Path(sysconfig.get_path("purelib"))}
    script = f"{ENVIRONMENT}\n{command}\n"
    return machine.run(image.get(), trees, script, skipped=SKIPPED, timeout_s=words.limit)


if __name__ == "__main__":
    sys.exit(main())
