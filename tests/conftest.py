"""What tests of several rooms need: Debian's registry on loopback, connections that break, and a
mount namespace of one's own.

Everything is started by a fixture and ended by it, by process id or by closing its sockets.
"""

import hashlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import hypothesis
import pytest
from tests.token_server import TokenServer

from lading.kernel import mount, namespaces

# a loaded host makes an example slow, never wrong
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")

REGISTRY_PROGRAM = "/usr/bin/docker-registry"
START_S = 60.0


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
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
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
            threading.Thread(target=_relay, args=(client, upstream, limit), daemon=True).start()


def _relay(client: socket.socket, upstream: socket.socket, limit: int | None) -> None:
    """Both directions; the descriptors are free for others only when no thread uses them."""
    with client, upstream:
        there = threading.Thread(target=_pump, args=(client, upstream, None), daemon=True)
        there.start()
        _pump(upstream, client, limit)
        there.join()


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


def free_port() -> int:
    """A port of loopback that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def start_registry(
    directory: Path,
    *,
    tls: tuple[Path, Path] | None = None,
    auth: dict[str, object] | None = None,
) -> tuple[DockerRegistry, "subprocess.Popen[bytes]"]:
    """Start a registry that keeps everything below `directory`.

    `tls` is certificate and key, `auth` the section of that name of its configuration.
    """
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
    if auth:
        configuration["auth"] = auth
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


InMountNamespace = Callable[[Callable[[], object]], None]


@pytest.fixture
def in_mount_namespace() -> InMountNamespace:
    """Runs a function in a child with mounts of its own; what it raises fails the test."""
    return run_in_mount_namespace


def run_in_mount_namespace(check: Callable[[], object]) -> None:
    """The child's traceback comes back through a pipe; its mounts end with it."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            namespaces.unshare(namespaces.CLONE_NEWNS)
            mount.mount("none", "/", "", mount.MS_REC | mount.MS_PRIVATE)
            check()
            status = 0
        except BaseException:
            os.write(writer, traceback.format_exc().encode()[-60000:])
        finally:
            os._exit(status)
    os.close(writer)
    with open(reader, "rb") as pipe:
        report = pipe.read().decode()
    _, status = os.waitpid(pid, 0)
    assert status == 0, report


@pytest.fixture
def token_server(tmp_path: Path) -> Iterator[TokenServer]:
    """A token server that `token_registry` believes."""
    server = TokenServer(tmp_path)
    yield server
    server.close()


@pytest.fixture
def token_registry(tmp_path: Path, token_server: TokenServer) -> Iterator[DockerRegistry]:
    """A registry that wants tokens of `token_server`."""
    registry, process = start_registry(tmp_path, auth=token_server.registry_auth())
    yield registry
    process.kill()
    process.wait()


@pytest.fixture
def basic_registry(tmp_path: Path) -> Iterator[DockerRegistry]:
    """A registry that wants the name "me" and the password "secret"."""
    # bcrypt of "secret", as `htpasswd -Bbn me secret` makes it
    entry = "me:$2y$05$cU.BbuKUVgTgXAy3VqYkf.8ASVbZ8LInLC3S9nfXNYxtsIb2cSsWW\n"
    (tmp_path / "htpasswd").write_text(entry)
    section: dict[str, object] = {"htpasswd": {"realm": "r", "path": str(tmp_path / "htpasswd")}}
    registry, process = start_registry(tmp_path, auth=section)
    yield registry
    process.kill()
    process.wait()


if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # a shell starts what shall run in the background so; commands under test would inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)
