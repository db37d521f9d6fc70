"""`docker compose` brings a project of three services up and down, in both of its generations.

The first is Debian's docker-compose; the second is the program that LADING_TEST_COMPOSE names (the
plugin itself), or docker's plugin where one is installed.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.e2e.conftest import Engine

PROJECT = """
version: "2.4"
services:
  db:
    image: base
    network_mode: bridge
    command: sh -c "echo db up; exec sleep 600"
    stop_grace_period: 0s
    healthcheck: {test: ["CMD", "true"], interval: 200ms}
    volumes: ["data:/data"]
  app:
    image: base
    network_mode: bridge
    command: sh -c "echo app up; exec sleep 600"
    stop_grace_period: 0s
    environment: {GREETING: hello}
    depends_on: {db: {condition: service_healthy}}
  web:
    image: base
    network_mode: none
    command: sh -c "echo web up; exec sleep 600"
    stop_grace_period: 0s
    depends_on: [app]
volumes: {data: {}}
"""
NETWORKED = """
version: "2.4"
services:
  db:
    image: base
    command: sleep 600
    stop_grace_period: 0s
    networks: {back: {aliases: [database]}}
  app:
    image: base
    command: sleep 600
    stop_grace_period: 0s
    networks: [back, front]
  web:
    image: base
    command: sleep 600
    stop_grace_period: 0s
    ports: ["18080:80"]
    networks: [front]
networks: {back: {internal: true}, front: {}}
"""
PLUGINS = ("/usr/libexec/docker/cli-plugins", "/usr/lib/docker/cli-plugins",
           "/usr/local/lib/docker/cli-plugins")  # fmt: skip


def first() -> list[str]:
    found = shutil.which("docker-compose")
    return [found] if found else []


def second() -> list[str]:
    named = os.environ.get("LADING_TEST_COMPOSE", "")
    places = [named, *(f"{directory}/docker-compose" for directory in PLUGINS)]
    found = next((path for path in places if path and os.path.exists(path)), "")
    return [found, "--progress", "plain"] if found else []


class Compose:
    def __init__(self, words: list[str], engine: Engine, directory: Path) -> None:
        self._file = directory / "compose.yml"
        self._words = [*words, "-p", "trio", "-f", str(self._file)]
        # with what it finds by itself, docker-compose 1.29 reads fields that are gone since 1.45
        self._environ = os.environ | {
            "DOCKER_HOST": engine.address,
            "DOCKER_CONFIG": str(directory),
            "COMPOSE_API_VERSION": "1.44",
        }

    def write(self, project: str) -> None:
        self._file.write_text(project)

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*self._words, *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            env=self._environ,
            timeout=100,
        )

    def __call__(self, *words: str) -> str:
        done = self.run(*words)
        assert done.returncode == 0, (words, done.stderr)
        return done.stdout


@pytest.fixture(params=[first, second], ids=["first", "second"])
def compose(request: pytest.FixtureRequest, engine: Engine, tmp_path: Path) -> Iterator[Compose]:
    find: Callable[[], list[str]] = request.param
    words = find()
    if not words:
        pytest.skip("no such docker compose is installed")
    engine.get("/images/base/json")
    found = Compose(words, engine, tmp_path)
    found.write(PROJECT)
    yield found
    found("down", "-v", "--timeout", "0")


def running(engine: Engine) -> dict[str, str]:
    """The services that run, with the id of the container."""
    filters = json.dumps({"label": ["com.docker.compose.project=trio"]})
    found = engine.get(f"/containers/json?filters={filters}".replace(" ", "").replace('"', "%22"))
    return {row["Labels"]["com.docker.compose.service"]: row["Id"] for row in found}


def test_a_project_comes_up_works_and_goes(compose: Compose, engine: Engine) -> None:
    compose("up", "-d")
    before = running(engine)
    assert before.keys() == {"db", "app", "web"}
    assert all(service in compose("ps") for service in before)
    logs = compose("logs", "--no-color")
    assert all(f"{service} up" in logs for service in before)
    assert compose("exec", "-T", "app", "sh", "-c", "echo $GREETING") == "hello\n"
    compose("restart", "-t", "0", "web")
    assert running(engine) == before
    compose("up", "-d", "--force-recreate", "web")
    assert running(engine).keys() == before.keys()
    assert running(engine)["web"] != before["web"]
    compose("down", "-v", "--timeout", "0")
    assert running(engine) == {}
    assert "trio_data" not in [each["Name"] for each in engine.get("/volumes")["Volumes"] or []]


def test_services_find_each_other_on_the_networks_that_they_share(
    compose: Compose, engine: Engine
) -> None:
    compose.write(NETWORKED)
    compose("up", "-d")
    for service, name in (("app", "db"), ("app", "database"), ("web", "app"), ("db", "app")):
        assert name in compose("exec", "-T", service, "getent", "hosts", name)
    assert compose.run("exec", "-T", "web", "getent", "hosts", "db").returncode == 2
    assert "18080" in compose("port", "web", "80")
    compose("down", "--timeout", "0")
    names = [network["Name"] for network in engine.get("/networks")]
    assert sorted(names) == ["bridge", "host", "none"]
