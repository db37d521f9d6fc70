"""What a command that one types all day may load: each of these costs milliseconds of its start."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

import lading

SOURCE = os.path.dirname(os.path.dirname(lading.__file__))
TOO_SLOW = {
    *("argparse", "asyncio", "base64", "collections", "contextlib", "dataclasses", "datetime"),
    *("enum", "functools", "http.client", "importlib.metadata", "inspect", "json", "logging"),
    *("msgspec", "pathlib", "random", "re", "selectors", "shutil", "signal", "socket"),
    *("sqlite3", "ssl", "string", "subprocess", "tempfile", "threading", "typing", "urllib"),
}
SHOW = "import sys; before = set(sys.modules); {}; print(*(set(sys.modules) - before))"


def loaded_by(code: str) -> set[str]:
    """The modules that the code adds to a bare interpreter."""
    finished = subprocess.run(
        [
            sys.executable,
            "-I",
            "-S",
            "-c",
            f"import sys; sys.path.insert(0, {SOURCE!r}); {SHOW.format(code)}",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(finished.stdout.split())


@pytest.mark.parametrize("verb", ["run", "ps", "logs", "exec", "start", "stop"])
def test_a_hot_verb_loads_nothing_slow(verb: str, tmp_path: object) -> None:
    main = "from lading.app.lading import main; import os"
    arguments = {"run": ["busybox"], "exec": ["web", "true"], "logs": ["web"]}.get(verb, [])
    arguments = arguments or ([] if verb == "ps" else ["web"])
    words = ["lading", "-H", f"unix://{tmp_path}/none.sock", verb, *arguments]
    # nobody listens, so the whole way up to the connection is walked
    code = (
        f"sys.argv = {words!r}; sys.stderr = open('/dev/null', 'w'); {main}; "
        "code = main(); assert code in (1, 125), code"
    )
    loaded = loaded_by(code)
    assert "lading.sdk.client" in loaded
    assert loaded & TOO_SLOW == set()


def test_the_entry_loads_only_itself() -> None:
    assert loaded_by("import lading.app.lading") == {"lading", "lading.app", "lading.app.lading"}
