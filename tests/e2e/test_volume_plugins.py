"""A real plugin process and a whole engine: its volumes in containers, and what if it hangs."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.contract.volumes.test_drivers import PluginProcess

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.e2e.conftest import Engine

NAME = "far-away"


@pytest.fixture(scope="module")
def engine(
    new_engine: Callable[[], Engine], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Engine]:
    """An engine that finds no plugins but the test's: the host's directory is everybody's."""
    made = new_engine()
    made.plugins = str(tmp_path_factory.mktemp("sockets"))
    made.start()
    yield made
    made.close()


@pytest.fixture
def plugin(
    engine: Engine, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[PluginProcess]:
    """A plugin where the engine looks for plugins; its parameter is a verb that hangs."""
    hang = ("hang", request.param) if getattr(request, "param", "") else ()
    process = PluginProcess(tmp_path, NAME, *hang)
    link = Path(engine.plugins, f"{NAME}.sock")
    link.symlink_to(process.socket)
    yield process
    link.unlink()
    process.close()


def container(engine: Engine, image: str, *command: str) -> str:
    host = {"Binds": ["far:/data"], "VolumeDriver": NAME, "NetworkMode": "none"}
    asked = {"Image": image, "Cmd": list(command), "HostConfig": host}
    return str(engine.post("/containers/create", asked)["Id"])


def test_a_plugins_volume_is_used_shown_and_removed(
    engine: Engine, image: str, plugin: PluginProcess, until: Callable[[Callable[[], bool]], None]
) -> None:
    identity = container(engine, image, "sh", "-c", "echo far > /data/file; sleep 60")
    engine.post(f"/containers/{identity}/start")
    shown = engine.get("/volumes/far")
    assert (shown["Driver"], shown["Scope"]) == (NAME, "global")
    assert shown["Status"] == {"Kept": "well"}
    assert shown["Mountpoint"] == str(plugin.root / "far")
    assert NAME in engine.get("/info")["Plugins"]["Volume"]
    written = plugin.root / "far/file"
    until(lambda: written.exists() and written.read_text() == "far\n")
    engine.kill9()
    engine.start()  # the next engine knows that the plugin has it mounted
    assert engine.call("DELETE", f"/containers/{identity}?force=1") == (204, b"")

    def calls_of(verb: str) -> list[dict[str, object]]:
        return [asked for called, asked in plugin.calls() if called == verb]

    until(lambda: bool(calls_of("Unmount")))  # in the background: nobody waits for a plugin
    calls = [*calls_of("Mount"), *calls_of("Unmount")]
    assert len(calls) == 2
    assert calls[0]["ID"] == calls[1]["ID"]
    assert written.read_text() == "far\n"
    assert engine.call("DELETE", "/volumes/far")[0] == 204
    assert not (plugin.root / "far").exists()


def test_volumes_that_only_the_plugin_knows_are_found(
    engine: Engine, plugin: PluginProcess
) -> None:
    engine.post("/volumes/create", {"Name": "mine", "Driver": NAME})
    (plugin.root / "theirs").mkdir()
    assert [v["Name"] for v in engine.get("/volumes")["Volumes"]] == ["mine", "theirs"]
    for name in ("mine", "theirs"):
        assert engine.call("DELETE", f"/volumes/{name}")[0] == 204


def test_another_driver_may_not_take_the_name(engine: Engine, plugin: PluginProcess) -> None:
    engine.post("/volumes/create", {"Name": "mine"})
    status, body = engine.call("POST", "/volumes/create", {"Name": "mine", "Driver": NAME})
    assert status == 409
    assert "volume name must be unique" in json.loads(body)["message"]
    engine.call("DELETE", "/volumes/mine")


@pytest.mark.parametrize("plugin", ["Create"], indirect=True)
def test_a_plugin_that_hangs_delays_nobody_else(
    engine: Engine, image: str, plugin: PluginProcess
) -> None:
    with ThreadPoolExecutor() as pool:
        asked = {"Name": "never", "Driver": NAME}
        stuck = pool.submit(engine.call, "POST", "/volumes/create", asked, 120)
        deadline = time.monotonic() + 60
        while not any(verb == "Create" for verb, _ in plugin.calls()):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert engine.get("/volumes")["Volumes"] == []
        engine.post("/volumes/create", {"Name": "local"})
        assert engine.call("DELETE", "/volumes/local")[0] == 204
        assert not stuck.done()
        plugin.close()
        status, _ = stuck.result()
        assert status == 500
