"""Clients and registries in the engine's network namespace, and a small image."""

from __future__ import annotations

import io
import json
import os
import sys
import tarfile
from typing import TYPE_CHECKING

import pytest

import lading

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tests.e2e.conftest import Engine

# bcrypt of "secret", as `htpasswd -Bbn me secret` makes it
PASSWORD = "me:$2y$05$it3LPyP1iOYPRbg4PLvrAeivctWLPwFnQBFFltJy0RzziEMmgN6L6\n"


class Docker:
    """`docker` in the engine's network, with a configuration of its own."""

    def __init__(self, engine: Engine, configuration: Path, *, command: Sequence[str]) -> None:
        self._engine = engine
        self._command = command
        self.configuration = configuration
        self.environ = os.environ | {
            "DOCKER_HOST": engine.address,
            "DOCKER_CONFIG": str(configuration),
            "LC_ALL": "C.UTF-8",
            "PYTHONPATH": os.path.dirname(os.path.dirname(lading.__file__)),
        }

    def __call__(self, *words: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        return self._engine.in_namespace(*self._command, *words, stdin=stdin, environ=self.environ)

    def inside(self, *words: str) -> subprocess.CompletedProcess[bytes]:
        """Another program in the engine's network."""
        return self._engine.in_namespace(*words)

    def text(self, *words: str, stdin: bytes = b"") -> str:
        """The output of a command that must succeed."""
        done = self(*words, stdin=stdin)
        assert done.returncode == 0, done.stderr
        return done.stdout.decode().rstrip("\n")

    def id_of(self, name: str) -> str:
        return self.text("image", "inspect", "--format", "{{.Id}}", name)


@pytest.fixture
def docker(engine: Engine, tmp_path: Path) -> Docker:
    return Docker(engine, tmp_path / "docker", command=["docker"])


@pytest.fixture
def lading_command(engine: Engine, tmp_path: Path) -> Docker:
    """Our own command with the configuration that `docker` has."""
    boot = "import sys; from lading.app.lading import main; sys.exit(main())"
    return Docker(engine, tmp_path / "docker", command=[sys.executable, "-c", boot])


@pytest.fixture(scope="module")
def registries(
    engine: Engine, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:
    """Debian's registry beside the engine, once for everybody and once for who has a password."""
    root = tmp_path_factory.mktemp("registries")
    (root / "htpasswd").write_text(PASSWORD)
    auth = {"htpasswd": {"realm": "r", "path": str(root / "htpasswd")}}
    processes = []
    for port, section in ((5000, {}), (5001, {"auth": auth})):
        document = {
            "version": 0.1,
            "log": {"level": "error", "accesslog": {"disabled": True}},
            "storage": {"filesystem": {"rootdirectory": str(root / str(port))}},
            "http": {"addr": f"127.0.0.1:{port}"},
            **section,
        }
        path = root / f"{port}.yml"
        path.write_text(json.dumps(document))
        processes.append(engine.beside("docker-registry", "serve", str(path), port=port))
    yield {"open": "127.0.0.1:5000", "closed": "127.0.0.1:5001"}
    for process in processes:
        process.kill()
        process.wait()


@pytest.fixture
def image(docker: Docker) -> Iterator[str]:
    """A small image with a name of its own."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        member = tarfile.TarInfo("etc/motd")
        member.size = 6
        archive.addfile(member, io.BytesIO(b"hello\n"))
    archive_bytes = buffer.getvalue()
    change = ["LABEL kind=mine", 'CMD ["cat", "/etc/motd"]']
    flags = [word for line in change for word in ("--change", line)]
    docker.text("import", *flags, "-m", "made here", "-", "mine:1", stdin=archive_bytes)
    yield "mine:1"
    docker("rmi", "-f", "mine:1")
