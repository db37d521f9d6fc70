"""A registry on the loopback address of each engine's network namespace, over the same blobs."""

import gzip
import hashlib
import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from backports import zstd
from bench.engines import Engine

PORT = 5077
ADDRESS = f"127.0.0.1:{PORT}"
START_S = 10.0
CONFIG = """version: 0.1
log: {{level: error}}
storage: {{filesystem: {{rootdirectory: {root}}}}}
http: {{addr: {address}}}
"""


MANIFEST = "application/vnd.oci.image.manifest.v1+json"


class Layer(NamedTuple):
    """A compressed layer in a file, and the image that has only it."""

    path: Path
    digest: str
    config: bytes
    manifest: bytes

    @property
    def config_digest(self) -> str:
        return f"sha256:{hashlib.sha256(self.config).hexdigest()}"


def compress(rootfs: Path, work: Path, compression: str) -> Layer:
    """The root as a layer of that compression."""
    path = work / f"layer.{compression}"
    plain = hashlib.sha256()
    with rootfs.open("rb") as source, _compressing(path, compression) as target:
        while data := source.read(1 << 20):
            plain.update(data)
            target.write(data)
    with path.open("rb") as file:
        digest = f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
    rootfs_field = {"type": "layers", "diff_ids": [f"sha256:{plain.hexdigest()}"]}
    config = json.dumps({"architecture": "amd64", "os": "linux", "rootfs": rootfs_field}).encode()
    kind = "application/vnd.oci.image.{}.v1+json"
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": {
            "mediaType": kind.format("config"),
            "digest": f"sha256:{hashlib.sha256(config).hexdigest()}",
            "size": len(config),
        },
        "layers": [
            {
                "mediaType": f"application/vnd.oci.image.layer.v1.tar+{compression}",
                "digest": digest,
                "size": path.stat().st_size,
            }
        ],
    }
    return Layer(path, digest, config, json.dumps(manifest).encode())


def _compressing(path: Path, compression: str) -> "gzip.GzipFile | zstd.ZstdFile":
    """A file to write plain bytes into; levels that most images are made with."""
    if compression == "gzip":
        return gzip.GzipFile(path, "wb", 6)
    return zstd.ZstdFile(path, "wb", level=3)


@contextmanager
def served(binary: str, engines: Sequence[Engine], scratch: str | None) -> Iterator[str]:
    """Yields the address under which every one of the engines finds the registry."""
    work = Path(tempfile.mkdtemp(prefix="lading-bench-registry-", dir=scratch))
    config = work / "config.yml"
    config.write_text(CONFIG.format(root=work / "blobs", address=ADDRESS))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, work)
        for engine in engines:
            inside = ["nsenter", "--net", "-t", str(engine.pid)]
            process = subprocess.Popen(
                [*inside, binary, "serve", str(config)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            stack.callback(process.wait)
            stack.callback(process.terminate)
            _await(inside)
        yield ADDRESS


def _await(inside: Sequence[str]) -> None:
    deadline = time.monotonic() + START_S
    command = [*inside, "curl", "-fs", f"http://{ADDRESS}/v2/"]
    while subprocess.run(command, capture_output=True).returncode != 0:
        if time.monotonic() > deadline:
            raise SystemExit("the registry did not start")
        time.sleep(0.1)
