"""Archives as `docker save` writes them, of one layer."""

import hashlib
import io
import json
import tarfile
from pathlib import Path

APPLETS = ("true", "sleep", "sh", "cat", "echo")
READ_BYTES = 1 << 20


def write_busybox(layer: Path, busybox: str) -> None:
    """The layer of a root with a static busybox and a few links to it."""
    with tarfile.open(layer, "w") as tar:
        for name in ("bin", "etc", "proc", "sys", "dev", "tmp"):
            folder = tarfile.TarInfo(name)
            folder.type, folder.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(folder)
        tar.add(busybox, "bin/busybox")
        for name in APPLETS:
            link = tarfile.TarInfo(f"bin/{name}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(link)


def write_docker_archive(path: Path, layer: Path, tag: str) -> None:
    """Layer, configuration and manifest.json: what `docker load` takes."""
    hasher = hashlib.sha256()
    with open(layer, "rb") as file:
        while data := file.read(READ_BYTES):
            hasher.update(data)
    config = json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "created": "2024-01-01T00:00:00Z",
            "config": {"Cmd": ["sh"], "Env": ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"]},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hasher.hexdigest()}"]},
            "history": [{"created": "2024-01-01T00:00:00Z", "created_by": "bench"}],
        }
    ).encode()
    name = f"{hashlib.sha256(config).hexdigest()}.json"
    manifest = [{"Config": name, "RepoTags": [tag], "Layers": ["0/layer.tar"]}]
    with tarfile.open(path, "w") as tar:
        _add(tar, name, config)
        tar.add(layer, "0/layer.tar")
        _add(tar, "manifest.json", json.dumps(manifest).encode())


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(data)
    tar.addfile(member, io.BytesIO(data))
