"""The contract of volume drivers: every driver passes this file. Promises: volumes/driver.py."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from lading.volumes import Volume
from lading.volumes.directories import Directories
from lading.volumes.driver import Driver
from lading.volumes.drivers.local import LocalDriver
from lading.volumes.drivers.plugins import NotAVolumePlugin, Plugins
from lading.volumes.record import DriverFailed

PROGRAM = Path(__file__).with_name("plugin_program.py")
InMountNamespace = Callable[[Callable[[], object]], None]


class Case(NamedTuple):
    """A driver, and what its volumes are made with."""

    driver: Driver
    options: dict[str, str]
    keeps: bool  # whether content outlives the last user

    def made(self, name: str = "data") -> Volume:
        self.driver.check(name, self.options)
        self.driver.create(name, self.options)
        return Volume(name, options=self.options)


def local(directory: Path) -> LocalDriver:
    directories = Directories(str(directory / "volumes"))
    directories.open(set())
    return LocalDriver(directories)


class PluginProcess:
    """A plugin that runs."""

    def __init__(self, directory: Path, name: str = "kept", *hang: str) -> None:
        self.sockets = directory / "plugins"
        self.sockets.mkdir(exist_ok=True)
        self.root = directory / "kept"
        self.socket = self.sockets / f"{name}.sock"
        words = [sys.executable, str(PROGRAM), str(self.socket), str(self.root), *hang]
        self._process = subprocess.Popen(words)
        deadline = time.monotonic() + 30
        while True:
            assert time.monotonic() < deadline
            with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
                probe.connect(str(self.socket))
                break
            time.sleep(0.01)
        self.plugins = Plugins(str(self.sockets), (str(directory / "etc"),))

    def calls(self) -> list[tuple[str, dict[str, object]]]:
        lines = (self.root / ".calls").read_text().splitlines()
        return [(verb, asked) for verb, asked in map(json.loads, lines)]

    def close(self) -> None:
        self._process.kill()
        self._process.wait()


@pytest.fixture
def plugin(tmp_path: Path) -> Iterator[PluginProcess]:
    process = PluginProcess(tmp_path)
    yield process
    process.close()


@pytest.fixture(params=["directory", "tmpfs", "plugin"])
def case(request: pytest.FixtureRequest, tmp_path: Path) -> Case:
    if request.param == "plugin":
        process: PluginProcess = request.getfixturevalue("plugin")
        return Case(process.plugins.open("kept"), {}, keeps=True)
    if request.param == "tmpfs":
        return Case(local(tmp_path), {"type": "tmpfs", "device": "tmpfs"}, keeps=False)
    return Case(local(tmp_path), {"mode": "0755"}, keeps=True)


def test_a_user_can_write_and_the_next_reads_it_if_it_is_kept(
    case: Case, in_mount_namespace: InMountNamespace
) -> None:
    volume = case.made()

    def check() -> None:
        for user in ("one", "two"):
            path = Path(case.driver.mount(volume, user))
            if user == "one":
                (path / "file").write_text("content")
            elif case.keeps:
                assert (path / "file").read_text() == "content"
            else:
                assert list(path.iterdir()) == []
            case.driver.unmount(volume, user, is_last=True)

    in_mount_namespace(check)


def test_users_at_the_same_time_see_the_same(
    case: Case, in_mount_namespace: InMountNamespace
) -> None:
    volume = case.made()

    def check() -> None:
        first, second = (Path(case.driver.mount(volume, user)) for user in ("one", "two"))
        (first / "file").write_text("content")
        case.driver.unmount(volume, "one", is_last=False)
        assert (second / "file").read_text() == "content"
        case.driver.unmount(volume, "two", is_last=True)

    in_mount_namespace(check)


def test_making_again_keeps_what_is_there(case: Case, in_mount_namespace: InMountNamespace) -> None:
    volume = case.made()

    def check() -> None:
        path = Path(case.driver.mount(volume, "one"))
        (path / "file").write_text("content")
        case.made()
        assert (path / "file").exists()
        case.driver.unmount(volume, "one", is_last=True)

    in_mount_namespace(check)


def test_removing_twice_is_no_error(case: Case) -> None:
    volume = case.made()
    case.driver.remove(volume)
    case.driver.remove(volume)
    assert "data" not in case.driver.volumes()


def test_unmounting_what_is_not_mounted_is_no_error(case: Case) -> None:
    case.driver.unmount(case.made(), "nobody", is_last=True)


def test_a_path_is_absolute_or_unknown(case: Case) -> None:
    path = case.driver.path(case.made())
    assert path == "" or os.path.isabs(path)


# --- what is the plugins' own -----------------------------------------------------------------


def test_a_plugin_is_told_of_each_user(plugin: PluginProcess) -> None:
    driver = plugin.plugins.open("kept")
    driver.create("data", {"a": "b"})
    volume = Volume("data", "kept")
    driver.mount(volume, "one")
    driver.unmount(volume, "one", is_last=True)
    assert plugin.calls() == [
        ("Activate", {}),
        ("Capabilities", {}),
        ("Create", {"Name": "data", "Opts": {"a": "b"}}),
        ("Mount", {"Name": "data", "ID": "one"}),
        ("Unmount", {"Name": "data", "ID": "one"}),
    ]


def test_a_plugin_tells_its_scope_its_status_and_its_volumes(plugin: PluginProcess) -> None:
    driver = plugin.plugins.open("kept")
    driver.create("data", {})
    assert driver.scope == "global"
    assert driver.status(Volume("data", "kept")) == {"Kept": "well"}
    assert driver.volumes() == ["data"]


def test_what_a_plugin_refuses_is_told_in_its_words(plugin: PluginProcess) -> None:
    driver = plugin.plugins.open("kept")
    with pytest.raises(DriverFailed, match="no room for that"):
        driver.create("data", {"refuse": "no room for that"})


def test_a_plugin_that_hangs_is_given_up(tmp_path: Path) -> None:
    process = PluginProcess(tmp_path, "slow", "hang", "Mount")
    try:
        driver = process.plugins.open("slow")
        driver.timeout_s = 0.2
        driver.create("data", {})
        with pytest.raises(DriverFailed, match="timed out"):
            driver.mount(Volume("data", "slow"), "one")
        assert driver.volumes() == ["data"]
    finally:
        process.close()


def test_a_plugin_that_is_gone_is_told(plugin: PluginProcess) -> None:
    driver = plugin.plugins.open("kept")
    plugin.close()
    with pytest.raises(DriverFailed, match="refused"):
        driver.volumes()


@pytest.mark.parametrize("kind", ["spec", "json"])
def test_a_specification_says_where_a_plugin_is(
    plugin: PluginProcess, tmp_path: Path, kind: str
) -> None:
    (tmp_path / "etc").mkdir()
    address = f"unix://{plugin.socket}"
    text = address if kind == "spec" else json.dumps({"Name": "named", "Addr": address})
    (tmp_path / f"etc/named.{kind}").write_text(text + "\n")
    assert plugin.plugins.names() == ["kept", "named"]
    assert plugin.plugins.open("named").scope == "global"


@pytest.mark.parametrize("text", ["", "{", '{"Name": "x"}', '{"Addr": "ftp://host"}', "[]"])
def test_a_specification_without_sense_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(NotAVolumePlugin):
        Plugins(str(tmp_path / "none"), (str(tmp_path),)).open("x")


@pytest.mark.parametrize("name", ["../x", "", "..", "a/b"])
def test_a_name_is_no_path(tmp_path: Path, name: str) -> None:
    (tmp_path / "x.sock").touch()
    (tmp_path / "deep").mkdir()
    assert not Plugins(str(tmp_path / "deep"), (str(tmp_path / "deep"),)).has(name)
