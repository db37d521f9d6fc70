"""`lading image explore` of an image whose second layer replaces and removes files."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.e2e.images.conftest import Docker

pytestmark = pytest.mark.skipif(not shutil.which("docker"), reason="docker is not installed")


def test_what_a_commit_hides_is_told(docker: Docker, lading_command: Docker) -> None:
    script = "rm /etc/group; head -c 1000 /dev/zero > /etc/new; head -c 7 /dev/zero > /etc/passwd"
    docker.text("run", "--name", "changed", "--network", "none", "base", "sh", "-c", script)
    docker.text("commit", "changed", "explored:1")
    words = ["image", "explore", "--format", "json", "--files", "explored:1"]
    found = json.loads(lading_command.text(*words))
    text = lading_command.text("image", "explore", "explored:1")
    docker.text("rm", "changed")
    docker.text("rmi", "explored:1")
    changes = {file["Path"]: file for file in found["Layers"][1]["Files"]}
    assert changes["etc/new"]["Change"] == "added"
    assert changes["etc/new"]["Size"] == 1000
    assert changes["etc/passwd"]["Change"] == "changed"
    assert changes["etc/group"]["Change"] == "removed"
    hidden = {row["Path"]: row["Size"] for row in found["Waste"]}
    assert hidden["etc/group"] == changes["etc/group"]["Size"] > 0
    assert found["Wasted"] == sum(hidden.values())
    assert "/etc/group" in text
