"""Images that others make and read: skopeo, podman, buildah, umoci; many layers, other machines."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.e2e.images.conftest import Docker

BUSYBOX = "/bin/busybox"
pytestmark = [
    pytest.mark.skipif(not shutil.which("docker"), reason="docker is not installed"),
    pytest.mark.skipif(not shutil.which("docker-registry"), reason="docker-registry is missing"),
    pytest.mark.skipif(not Path(BUSYBOX).exists(), reason="busybox-static is not installed"),
]
needs_skopeo = pytest.mark.skipif(not shutil.which("skopeo"), reason="skopeo is not installed")


def archive(path: Path, name: str, count: int) -> None:
    """A docker archive: busybox in the lowest layer, and a file that every layer replaces.

    The name is in each layer: skopeo would take a blob of the same content that it pushed before.
    """
    names, digests = [], []
    with tarfile.open(path, "w") as tar:

        def add(member: str, data: bytes) -> None:
            info = tarfile.TarInfo(member)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))

        for number in range(count):
            buffer = io.BytesIO()
            with tarfile.open(fileobj=buffer, mode="w") as layer:
                if not number:
                    layer.add(BUSYBOX, "bin/busybox")
                for member, text in (("last", f"{number:3d}"), (f"layer{number}", name)):
                    info = tarfile.TarInfo(member)
                    info.size = len(text)
                    layer.addfile(info, io.BytesIO(text.encode()))
            digests.append(f"sha256:{hashlib.sha256(buffer.getvalue()).hexdigest()}")
            names.append(f"{number}/layer.tar")
            add(names[-1], buffer.getvalue())
        rootfs = {"type": "layers", "diff_ids": digests}
        config = {"architecture": "amd64", "os": "linux", "rootfs": rootfs}
        add("config.json", json.dumps(config).encode())
        manifest = [{"Config": "config.json", "RepoTags": [name], "Layers": names}]
        add("manifest.json", json.dumps(manifest).encode())


def skopeo(docker: Docker, *words: str) -> str:
    """The output of skopeo in the engine's network."""
    done = docker.inside("skopeo", *words)
    assert done.returncode == 0, done.stderr
    return done.stdout.decode().strip()


@needs_skopeo
@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_digests_survive_the_way_from_and_to_a_registry(
    docker: Docker, registries: dict[str, str], tmp_path: Path, compression: str
) -> None:
    archive(tmp_path / "two.tar", f"two:{tmp_path.name}", 2)
    name, again = (f"{registries['open']}/io/{compression}:{n}" for n in (1, 2))
    flags = ["--dest-tls-verify=false", "--format", "oci", "--dest-compress-format", compression]
    skopeo(docker, "copy", "-q", *flags, f"docker-archive:{tmp_path}/two.tar", f"docker://{name}")
    docker.text("pull", name)
    assert docker.text("run", "--rm", "--network", "none", name, "busybox", "cat", "/last") == "  1"
    saved = tmp_path / "saved.tar"
    docker.text("save", "-o", str(saved), name)
    flags = ["--dest-tls-verify=false", "--preserve-digests"]
    skopeo(docker, "copy", "-q", *flags, f"oci-archive:{saved}", f"docker://{again}")
    shown = ["inspect", "--tls-verify=false", "--format", "{{.Digest}}"]
    digests = {skopeo(docker, *shown, f"docker://{each}") for each in (name, again)}
    assert digests == {docker.id_of(name)}
    assert f"tar+{compression}" in skopeo(docker, "inspect", "--raw", f"oci-archive:{saved}")
    docker.text("rmi", name)


@pytest.mark.skipif(not shutil.which("podman"), reason="podman is not installed")
def test_podman_reads_what_we_save_and_we_read_what_it_saves(
    docker: Docker, tmp_path: Path
) -> None:
    archive(tmp_path / "three.tar", "localhost/three:1", 3)
    docker.text("load", "-i", str(tmp_path / "three.tar"))
    docker.text("save", "-o", str(tmp_path / "ours.tar"), "localhost/three:1")
    short = tempfile.mkdtemp()  # podman wants less than 50 letters
    podman = ["podman", "--root", f"{short}/root", "--runroot", f"{short}/run"]
    podman += ["--storage-driver", "vfs"]
    subprocess.run([*podman, "load", "-q", "-i", f"{tmp_path}/ours.tar"], check=True)
    for form in ("oci-archive", "docker-archive"):
        theirs = f"{tmp_path}/{form}.tar"
        words = ["save", "-q", "--format", form, "-o", theirs, "localhost/three:1"]
        subprocess.run([*podman, *words], check=True)
        docker.text("rmi", "-f", "localhost/three:1")
        docker.text("load", "-i", theirs)
        words = ["run", "--rm", "--network", "none", "localhost/three:1", "busybox", "cat", "/last"]
        assert docker.text(*words) == "  2"
    docker.text("rmi", "localhost/three:1")
    subprocess.run([*podman, "rmi", "-f", "localhost/three:1"], check=True)
    shutil.rmtree(short)


@pytest.mark.skipif(not shutil.which("umoci"), reason="umoci is not installed")
def test_a_layout_of_umoci_is_loaded(docker: Docker, tmp_path: Path) -> None:
    layout = f"{tmp_path}/layout"
    for words in (
        ["init", "--layout", layout],
        ["new", "--image", f"{layout}:a"],
        ["insert", "--image", f"{layout}:a", BUSYBOX, BUSYBOX],
        ["config", "--image", f"{layout}:a", "--config.cmd", BUSYBOX, "--config.cmd", "uname"],
    ):
        subprocess.run(["umoci", *words], check=True, capture_output=True)
    with tarfile.open(tmp_path / "layout.tar", "w") as tar:
        tar.add(layout, ".")
    name = docker.text("load", "-i", f"{tmp_path}/layout.tar").rpartition(" ")[2]
    assert docker.text("run", "--rm", "--network", "none", name) == "Linux"
    docker.text("rmi", name)


def test_an_image_of_more_layers_than_a_page_of_options_holds(
    docker: Docker, registries: dict[str, str], tmp_path: Path
) -> None:
    archive(tmp_path / "many.tar", "many:1", 320)
    docker.text("load", "-i", str(tmp_path / "many.tar"))
    script = "busybox cat /last; busybox ls / | busybox grep -c layer"
    words = ["run", "--rm", "--network", "none", "many:1", "busybox", "sh", "-c", script]
    assert docker.text(*words) == "319320"
    name = f"{registries['open']}/many:1"
    docker.text("tag", "many:1", name)
    docker.text("push", name)
    digest = docker.id_of(name)
    docker.text("rmi", "many:1", name)
    docker.text("pull", name)
    assert docker.id_of(name) == digest
    docker.text("rmi", name)


def test_an_image_for_another_machine_is_run_with_a_warning(docker: Docker) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        tar.add(BUSYBOX, "bin/busybox")
    docker.text("import", "--platform", "linux/s390x", "-", "foreign:1", stdin=buffer.getvalue())
    words = ["run", "--rm", "--network", "none", "foreign:1", "busybox", "true"]
    done = docker(*words)
    assert done.returncode == 0
    assert (
        b"The requested image's platform (linux/s390x) does not match the detected" in done.stderr
    )
    assert docker(words[0], "--platform", "linux/s390x", *words[1:]).stderr == b""
    docker.text("rmi", "foreign:1")
