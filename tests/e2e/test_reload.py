"""SIGHUP reads the configuration anew; what is wrong in it changes nothing."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from tests.e2e.conftest import SOURCE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.e2e.conftest import Engine

    Until = Callable[[Callable[[], bool]], None]


@pytest.fixture
def configured(new_engine: Callable[[], Engine]) -> Iterator[Engine]:
    """An engine whose configuration file is FILE of its directory."""
    engine = new_engine()
    write(engine, {"labels": ["site=a"], "registry-mirrors": ["http://127.0.0.1:1"]})
    engine.flags = ["--config-file", f"{engine.directory}/config"]
    engine.start()
    yield engine
    engine.close()


def write(engine: Engine, document: object) -> None:
    text = document if isinstance(document, str) else json.dumps(document)
    Path(f"{engine.directory}/config").write_text(text)


def reloads(engine: Engine) -> list[dict[str, str]]:
    filters = '{"type":["daemon"],"event":["reload"]}'
    now = int(time.time()) + 1
    _, body = engine.call("GET", f"/events?since=1&until={now}&filters={quote(filters)}")
    return [json.loads(line)["Actor"]["Attributes"] for line in body.splitlines()]


def test_what_may_change_changes_and_is_told(configured: Engine, until: Until) -> None:
    before = configured.get("/info")
    assert (before["Labels"], before["Debug"]) == (["site=a"], False)
    write(
        configured,
        {
            "labels": ["site=b"],
            "debug": True,
            "registry-mirrors": [],
            "insecure-registries": ["10.0.0.0/8", "hub:5000"],
            "max-concurrent-downloads": 7,
            "shutdown-timeout": 3,
            "features": {"x": True},
        },
    )
    configured.hang_up()
    until(lambda: configured.get("/info")["Labels"] == ["site=b"])
    after = configured.get("/info")
    assert after["Debug"] is True
    registries = after["RegistryConfig"]
    assert registries["Mirrors"] is None
    assert "10.0.0.0/8" in registries["InsecureRegistryCIDRs"]
    assert registries["IndexConfigs"]["hub:5000"]["Secure"] is False
    (told,) = reloads(configured)
    assert told["labels"] == '["site=b"]'
    assert told["insecure-registries"] == '["10.0.0.0/8","hub:5000"]'
    assert told["max-concurrent-downloads"] == "7"
    assert told["features"] == "map[x:true]"


def test_who_is_asked_about_requests_changes_too(configured: Engine, until: Until) -> None:
    nobody = f"{configured.directory}/nobody.sock"  # who cannot be asked refuses
    assert configured.get("/info")["Plugins"]["Authorization"] is None
    write(configured, {"authorization-plugins": [nobody]})
    configured.hang_up()
    until(lambda: configured.call("GET", "/info")[0] == 500)
    assert b"nobody.sock failed with error" in configured.call("GET", "/_ping")[1]
    write(configured, {})
    configured.hang_up()
    until(lambda: configured.call("GET", "/info")[0] == 200)


@pytest.mark.parametrize(
    "document", ["{", {"bogus": 1}, {"default-runtime": "zz"}, {"labels": ["x"]}], ids=str
)
def test_what_is_wrong_changes_nothing(configured: Engine, until: Until, document: object) -> None:
    write(configured, document)
    configured.hang_up()
    until(lambda: "the former configuration stays" in configured.log())
    assert configured.get("/info")["Labels"] == ["site=a"]
    assert reloads(configured) == []


@pytest.mark.parametrize(
    ("document", "code", "text"),
    [
        ({"debug": True}, 0, "configuration OK\n"),
        ({"bogus": 1}, 1, "the following directives don't match any configuration option: bogus\n"),
        ({"exec-opts": ["native.cgroupdriver=zz"]}, 1,
         "ladingd: native.cgroupdriver option zz not supported\n"),
    ],
)  # fmt: skip
def test_a_configuration_can_be_checked_without_a_start(
    tmp_path: Path, document: object, code: int, text: str
) -> None:
    path = tmp_path / "config"
    path.write_text(json.dumps(document))
    script = "import sys; from lading.app.ladingd import main; sys.exit(main())"
    done = subprocess.run(
        [sys.executable, "-c", script, "--validate", "--config-file", str(path)],
        env={"PYTHONPATH": SOURCE},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr[-len(text) :]) == (code, text)
