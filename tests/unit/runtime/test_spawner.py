"""What the spawner has loaded: as little as possible, and what mapped starts need once one was."""

import subprocess
import sys

LOADED = """
import sys
from lading.runtime import spawner
names = ("lading.runtime.mapped_start", "lading.runtime.planning.rare", "lading.kernel.landlock")
assert not any(name in sys.modules for name in names)
spawner._load_mapped()
assert all(name in sys.modules for name in names)
before = set(sys.modules)
spawner._load_mapped()
from lading.runtime import mapped_start
assert set(sys.modules) == before
"""


def test_what_a_start_in_a_user_namespace_needs_is_loaded_after_the_first_of_them() -> None:
    subprocess.run([sys.executable, "-c", LOADED], check=True)
