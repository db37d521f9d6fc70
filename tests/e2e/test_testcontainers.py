"""testcontainers-python: what test suites of others do with an engine."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

testcontainers = pytest.importorskip("testcontainers.core.container")

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.conftest import Engine


@pytest.fixture
def host(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine as the one that testcontainers finds; its own reaper is not at hand."""
    from testcontainers.core.config import testcontainers_config

    monkeypatch.setenv("DOCKER_HOST", engine.address)
    monkeypatch.setattr(testcontainers_config, "ryuk_disabled", True)


@pytest.fixture(scope="module")
def redis(engine: Engine) -> Iterator[str]:
    """An image with the host's redis."""
    if not (shutil.which("redis-server") and shutil.which("redis-cli")):
        pytest.skip("redis is not installed")
    asked = {"tag": "tc-redis", "tools": ["redis-server", "redis-cli", "sh"]}
    status, body = engine.call("POST", "/lading/images/from-host", asked)
    assert (status, b'"error"' in body) == (200, False), body
    yield "tc-redis"
    engine.call("DELETE", "/images/tc-redis?force=1")


@pytest.mark.usefixtures("host")
def test_a_service_is_waited_for_by_its_log_and_spoken_to(redis: str) -> None:
    from testcontainers.core.wait_strategies import LogMessageWaitStrategy

    made = testcontainers.DockerContainer(redis)
    made.with_command("redis-server --port 6379 --dir /tmp --save ''")
    made.waiting_for(LogMessageWaitStrategy("Ready to accept connections"))
    with made as container:
        assert container.exec("redis-cli set a b").output == b"OK\n"
        assert container.exec(["redis-cli", "get", "a"]).output == b"b\n"
        wrapped = container.get_wrapped_container()
        assert wrapped.status in ("created", "running")
    wrapped.client.close()
