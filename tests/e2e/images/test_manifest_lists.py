"""Manifest lists by our command and by docker's, against a real registry."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.images.conftest import Docker

pytestmark = [
    pytest.mark.skipif(not shutil.which("docker"), reason="docker is not installed"),
    pytest.mark.skipif(not shutil.which("docker-registry"), reason="docker-registry is missing"),
]


@pytest.fixture
def pushed(
    docker: Docker, image: str, registries: dict[str, str]
) -> Iterator[tuple[str, list[str]]]:
    """A name for a list, and two images in other repositories of the same registry."""
    names = [f"{registries['open']}/parts/{part}:1" for part in ("one", "two")]
    for number, name in enumerate(names):
        archive = docker("save", image).stdout if number else b""
        if number:
            flags = ["--platform", "linux/arm64", "--change", "LABEL part=two"]
            docker.text("import", *flags, "-", name, stdin=archive)
        else:
            docker.text("tag", image, name)
        docker.text("push", name)
    yield f"{registries['open']}/whole:1", names
    docker("rmi", "-f", *names)


def test_a_list_is_made_annotated_pushed_and_pulled(
    docker: Docker, lading_command: Docker, pushed: tuple[str, list[str]]
) -> None:
    name, parts = pushed
    made = lading_command.text("manifest", "create", name, *parts)
    assert made == f"Created manifest list {name}"
    again = lading_command("manifest", "create", name, parts[0])
    assert b"refusing to amend an existing manifest list with no --amend flag" in again.stderr
    lading_command.text("manifest", "annotate", "--variant", "v8", name, parts[1])
    wrong = lading_command("manifest", "annotate", "--arch", "foo", name, parts[1])
    assert b"unsupported os/arch combination: linux/foo" in wrong.stderr
    before = json.loads(lading_command.text("manifest", "inspect", name))
    said = lading_command.text("manifest", "push", "--purge", name).splitlines()
    assert [line.split("@")[0] for line in said[:-1]] == ["Pushed ref 127.0.0.1:5000/whole"] * 2
    after = json.loads(lading_command.text("manifest", "inspect", name))
    assert before == after
    platforms = [entry["platform"] for entry in after["manifests"]]
    assert platforms[0]["architecture"] == "amd64"
    assert platforms[1] == {"architecture": "arm64", "os": "linux", "variant": "v8"}
    assert f"Digest: {said[-1]}" in docker.text("pull", name)
    docker.text("rmi", name)
    gone = lading_command("manifest", "rm", name)
    assert gone.returncode == 1
    assert f"No such manifest: {name}".encode() in gone.stderr


def test_docker_goes_on_with_our_list_and_makes_the_same_digest(
    docker: Docker, lading_command: Docker, pushed: tuple[str, list[str]]
) -> None:
    name, parts = pushed
    name = name.replace("whole", "shared")
    lading_command.text("manifest", "create", name, *parts)
    theirs = docker.text("manifest", "push", "--insecure", name).splitlines()
    ours = lading_command.text("manifest", "push", name).splitlines()
    assert theirs == ours
    docker.text("manifest", "annotate", "--os-version", "12", name, parts[1])
    assert '"os.version": "12"' in lading_command.text("manifest", "inspect", name)
    seen = [
        each.text("manifest", "inspect", "--insecure", *words).encode()
        for words in ([name], ["-v", name, parts[0]], [parts[0]], ["-v", parts[0]])
        for each in (docker, lading_command)
    ]
    assert seen[::2] == seen[1::2]


def test_docker_inspects_what_is_in_the_registry(
    docker: Docker, lading_command: Docker, pushed: tuple[str, list[str]]
) -> None:
    _, parts = pushed
    theirs = docker("manifest", "inspect", "--insecure", parts[1])
    assert theirs.returncode == 0, theirs.stderr
    missing = parts[0].replace("one", "none")
    for each in (docker, lading_command):
        assert (
            f"no such manifest: {missing}".encode()
            in each("manifest", "inspect", "--insecure", missing).stderr
        )
