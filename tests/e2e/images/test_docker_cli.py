"""Docker's own command line on images: registries, archives, names."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.images.conftest import Docker

pytestmark = [
    pytest.mark.skipif(not shutil.which("docker"), reason="docker is not installed"),
    pytest.mark.skipif(not shutil.which("docker-registry"), reason="docker-registry is missing"),
]


def test_an_image_goes_to_a_registry_and_comes_back(
    docker: Docker, image: str, registries: dict[str, str]
) -> None:
    name = f"{registries['open']}/team/mine:v1"
    digest = docker.id_of(image)
    docker.text("tag", image, name)
    said = docker.text("push", name)
    assert f"v1: digest: {digest} size:" in said
    docker.text("rmi", image, name)
    assert docker("inspect", name).returncode == 1
    assert f"Digest: {digest}" in docker.text("pull", name)
    assert docker.id_of(name) == digest
    assert "Image is up to date" in docker.text("pull", name)
    docker.text("rmi", name)


def test_a_registry_may_want_a_login(
    docker: Docker, image: str, registries: dict[str, str]
) -> None:
    name = f"{registries['closed']}/mine:1"
    docker.text("tag", image, name)
    refused = docker("push", name)
    assert b"no basic auth credentials" in refused.stderr
    words = ["login", "-u", "me", "--password-stdin", registries["closed"]]
    wrong = docker(*words, stdin=b"wrong")
    assert b"401 Unauthorized" in wrong.stderr
    assert "Login Succeeded" in docker.text(*words, stdin=b"secret")
    docker.text("push", name)
    assert docker.id_of(image) in docker.text("pull", name)
    docker.text("logout", registries["closed"])
    assert docker("push", name).returncode == 1
    docker.text("rmi", name)


def test_an_archive_holds_an_image(docker: Docker, image: str, tmp_path: Path) -> None:
    digest, path = docker.id_of(image), tmp_path / "saved.tar"
    docker.text("save", "-o", str(path), image)
    again = docker("save", image).stdout
    assert path.read_bytes() == again  # the same bytes each time
    docker.text("rmi", image)
    assert docker.text("load", "-i", str(path)).endswith(f"Loaded image: {image}")
    assert docker.id_of(image) == digest
    wrong = docker("load", stdin=b"no archive")
    assert wrong.returncode == 1


@pytest.mark.skipif(not shutil.which("skopeo"), reason="skopeo is not installed")
@pytest.mark.parametrize("form", ["docker-archive", "oci-archive"])
def test_skopeo_reads_what_is_saved(docker: Docker, image: str, tmp_path: Path, form: str) -> None:
    path, copy = tmp_path / "saved.tar", tmp_path / "copy"
    docker.text("save", "-o", str(path), image)
    name = image if form == "docker-archive" else image.partition(":")[2]
    command = ["skopeo", "copy", "-q", f"{form}:{path}:{name}", f"oci:{copy}:x"]
    subprocess.run(command, check=True, capture_output=True)
    layers = docker.text("image", "inspect", "--format", "{{json .RootFS.Layers}}", image)
    index = json.loads((copy / "index.json").read_text())
    blobs = copy / "blobs/sha256"
    manifest = json.loads((blobs / index["manifests"][0]["digest"][7:]).read_text())
    config = json.loads((blobs / manifest["config"]["digest"][7:]).read_text())
    assert config["rootfs"]["diff_ids"] == json.loads(layers)


def test_names_filters_history_and_prune(docker: Docker, image: str) -> None:
    listed = docker.text("images", "--filter", "label=kind=mine", "--format", "{{.Repository}}")
    assert listed == "mine"
    assert "made here" in docker.text("history", image)
    docker.text("tag", image, "other:2")
    short = docker.id_of(image).removeprefix("sha256:")[:12]
    refused = docker("rmi", short)
    assert b"image is referenced in multiple repositories" in refused.stderr
    docker.text("rmi", "other:2")
    assert short in docker.text("images", "-q", "--filter", "reference=mine:*")
    docker.text("image", "prune", "-f")
    assert docker.id_of(image)  # it has a name


def test_usage_tells_when_an_image_was_used(
    docker: Docker, lading_command: Docker, image: str
) -> None:
    words = ["image", "usage", "--format", "{{.Names}}:{{.LastUsed}}:{{.Containers}}"]
    assert f"{image}:never:0" in lading_command.text(*words).splitlines()
    container = docker.text("create", image)
    assert f"{image}:Less than a second ago:1" in lading_command.text(*words) or (
        " second" in lading_command.text(*words)
    )
    docker.text("rm", container)
    unused = ["image", "prune", "-a", "-f", "--filter", "unused-for=24h"]
    docker.text(*unused)
    assert docker.id_of(image)
