"""What tests of several rooms need: Debian's registry on loopback, and connections that break.

Everything is started by a fixture and ended by it, by process id or by closing its sockets.
"""

import hashlib
import http.client
import json
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

REGISTRY_PROGRAM = "/usr/bin/docker-registry"
START_S = 10.0


class DockerRegistry:
    """A running registry; `push_*` fill it without any client of ours."""

    def __init__(self, port: int, data: Path) -> None:
        self.port = port
        self._data = data
        self.address = f"127.0.0.1:{port}"

    def push_blob(self, repository: str, data: bytes) -> dict[str, object]:
        """Upload a blob in one piece and return the start of its descriptor."""
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        location = self._call("POST", f"/v2/{repository}/blobs/uploads/", b"", {})
        parts = urlsplit(location)
        target = f"{parts.path}?{parts.query}&digest={digest}"
        self._call("PUT", target, data, {"Content-Type": "application/octet-stream"})
        return {"digest": digest, "size": len(data)}

    def push_manifest(self, repository: str, tag: str, document: dict[str, object]) -> str:
        """Upload a manifest or index under a tag or digest; returns its digest."""
        data = json.dumps(document).encode()
        headers = {"Content-Type": str(document["mediaType"])}
        self._call("PUT", f"/v2/{repository}/manifests/{tag}", data, headers)
        return f"sha256:{hashlib.sha256(data).hexdigest()}"

    def damage_blob(self, data: bytes) -> None:
        """Flip a bit of a blob in the registry's own storage."""
        name = hashlib.sha256(data).hexdigest()
        path = self._data / f"docker/registry/v2/blobs/sha256/{name[:2]}/{name}/data"
        damaged = bytearray(path.read_bytes())
        damaged[len(damaged) // 2] ^= 1
        path.write_bytes(bytes(damaged))

    def _call(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> str:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            text = response.read()
            assert response.status in (201, 202), text
            return response.headers.get("Location", "")
        finally:
            connection.close()


class CuttingProxy:
    """Passes connections on to a port, and cuts the first ones after so many bytes of answer."""

    def __init__(self, port: int, cuts: list[int]) -> None:
        self.cuts = cuts
        self.connections = 0
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            limit = self.cuts[self.connections] if self.connections < len(self.cuts) else None
            self.connections += 1
            upstream = socket.create_connection(("127.0.0.1", self._target))
            threading.Thread(target=_pump, args=(client, upstream, None), daemon=True).start()
            threading.Thread(target=_pump, args=(upstream, client, limit), daemon=True).start()


def _pump(source: socket.socket, target: socket.socket, limit: int | None) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            if limit is not None:
                data = data[:limit]
                limit -= len(data)
            target.sendall(data)
            if limit == 0:
                break
    for end in (source, target):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()


def free_port() -> int:
    """A port of loopback that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def start_registry(
    directory: Path, *, tls: tuple[Path, Path] | None = None
) -> tuple[DockerRegistry, "subprocess.Popen[bytes]"]:
    """Start a registry that keeps everything below `directory`; `tls` is certificate and key."""
    port = free_port()
    configuration: dict[str, object] = {
        "version": 0.1,
        "log": {"level": "error", "accesslog": {"disabled": True}},
        "storage": {"filesystem": {"rootdirectory": str(directory / "data")}},
        "http": {"addr": f"127.0.0.1:{port}"},
    }
    if tls:
        certificate, key = map(str, tls)
        section = {"addr": f"127.0.0.1:{port}", "tls": {"certificate": certificate, "key": key}}
        configuration["http"] = section
    path = directory / "registry.yml"
    path.write_text(json.dumps(configuration))  # JSON is YAML
    with (directory / "registry.log").open("wb") as log:
        process = subprocess.Popen([REGISTRY_PROGRAM, "serve", str(path)], stdout=log, stderr=log)
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return DockerRegistry(port, directory / "data"), process
        time.sleep(0.02)
    process.kill()
    process.wait()
    raise TimeoutError((directory / "registry.log").read_text())


@pytest.fixture(scope="session")
def docker_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DockerRegistry]:
    """Debian's docker-registry over plain http."""
    if not shutil.which(REGISTRY_PROGRAM):
        pytest.skip("docker-registry is not installed")
    registry, process = start_registry(tmp_path_factory.mktemp("registry"))
    yield registry
    process.kill()
    process.wait()


@pytest.fixture
def secure_registry(tmp_path: Path) -> Iterator[tuple[DockerRegistry, Path]]:
    """A registry over https, and the certificate of the authority that vouches for it."""
    certificate, key = tmp_path / "ca.crt", tmp_path / "ca.key"
    names = "subjectAltName=IP:127.0.0.1,DNS:localhost"
    request = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2"
    command = f"{request} -subj /CN=registry -addext {names} -keyout {key} -out {certificate}"
    subprocess.run(command.split(), check=True, capture_output=True)
    registry, process = start_registry(tmp_path, tls=(certificate, key))
    yield registry, certificate
    process.kill()
    process.wait()


@pytest.fixture
def cutting_proxy() -> Iterator[Callable[[int, list[int]], CuttingProxy]]:
    """Make proxies before a port: `cutting_proxy(port, [1000, 5000])` cuts the first two."""
    made: list[CuttingProxy] = []

    def make(port: int, cuts: list[int]) -> CuttingProxy:
        made.append(CuttingProxy(port, cuts))
        return made[-1]

    yield make
    for proxy in made:
        proxy.close()
