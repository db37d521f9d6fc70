"""Images of host programs run what they were made of, and are the same each time."""

import os
import stat
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lading.images.flights import Flights
from lading.images.from_host.build import BuildRequest, build
from lading.images.from_host.tree import ProgramNotFound
from lading.images.records import get
from lading.images.stores import Stores
from lading.oci import reference as references
from lading.registry.client import Cancellation

if TYPE_CHECKING:
    from collections.abc import Sequence


def build_image(stores: Stores, tools: "Sequence[str] | None") -> tuple[str, Path]:
    request = BuildRequest(references.parse("made:1"), tools, Cancellation())
    digest = build(stores, Flights(), request)
    record = stores.database.read(lambda connection: get(connection, digest))
    assert record is not None
    return digest, Path(stores.snapshots.layer_directories(record.platforms[0].chain)[0])


def run_in(root: Path, *command: str) -> str:
    """What a program prints with that root."""
    done = subprocess.run(["chroot", root, *command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_tools_run_with_what_was_brought_along(stores: Stores) -> None:
    _, root = build_image(stores, ["sh", "ls", "id", "awk"])
    assert run_in(root, "sh", "-c", "id -un; awk 'BEGIN { print 6 * 7 }'") == "root\n42\n"
    assert run_in(root, "/bin/ls", "-ld", "/tmp").startswith("drwxrwxrwt")
    assert (root / "bin").is_symlink() == os.path.islink("/bin")


def test_the_default_image_has_a_shell_and_what_one_needs(stores: Stores) -> None:
    _, root = build_image(stores, None)
    script = "set -e; hostname; sleep 0; seq 3 | wc -l; grep -c root /etc/passwd"
    assert run_in(root, "sh", "-c", script).endswith("3\n1\n")


def test_the_same_tools_give_the_same_image(stores: Stores) -> None:
    assert build_image(stores, ["sh"])[0] == build_image(stores, ["sh"])[0]


def test_an_image_is_as_old_as_its_newest_file(stores: Stores, tmp_path: Path) -> None:
    script = tmp_path / "tool"
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    os.utime(script, (4_000_000_000, 4_000_000_000))
    digest, _ = build_image(stores, [str(script)])
    record = stores.database.read(lambda connection: get(connection, digest))
    assert record is not None
    config = stores.content.read_bytes(record.platforms[0].config, 1 << 20)
    assert b'"created":"2096-10-02T07:06:40Z"' in config


def test_scripts_bring_their_interpreter(stores: Stores, tmp_path: Path) -> None:
    script = tmp_path / "tool"
    script.write_text("#!/usr/bin/env -S sh\necho from a script\n")
    script.chmod(0o4755)
    _, root = build_image(stores, [str(script)])
    assert run_in(root, str(script)) == "from a script\n"
    mode = (root / str(script).lstrip("/")).stat().st_mode
    assert stat.S_IMODE(mode) == 0o755


def test_a_missing_tool_is_told_and_nothing_is_left(stores: Stores) -> None:
    with pytest.raises(ProgramNotFound, match="no such program on this host: nosuchtool"):
        build_image(stores, ["sh", "nosuchtool"])
    assert list(stores.content.walk()) == []
