"""The daemon's flags, its config file, its sockets, and what it tells the service manager."""

import grp
import json
import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from lading.app import ladingd
from lading.engine import Options
from lading.http import InheritedListener, TcpListener, UnixListener
from lading.networks import Settings

WriteConfig = Callable[[object], str]


@pytest.fixture
def write_config(tmp_path: Path) -> WriteConfig:
    def write(document: object) -> str:
        path = tmp_path / "ladingd.json"
        path.write_text(json.dumps(document))
        return str(path)

    return write


def without_path(given: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in given.items() if name != "config_file"}


def test_only_what_was_said_is_a_setting() -> None:
    assert ladingd.settings([]) == {}
    assert ladingd.settings(["-D", "--mtu", "1400"]) == {"debug": True, "mtu": 1400}


def test_repeated_flags_are_collected() -> None:
    given = ladingd.settings(["-H", "unix:///a", "--host", "tcp://:1"])
    assert given == {"host": ["unix:///a", "tcp://:1"]}


def test_the_config_file_has_the_names_of_the_flags(write_config: WriteConfig) -> None:
    path = write_config({"data-root": "/d", "debug": True, "bip": "10.9.0.1/24"})
    given = ladingd.settings(["--config-file", path, "-l", "warn"])
    assert without_path(given) == {
        "data_root": "/d",
        "debug": True,
        "bip": "10.9.0.1/24",
        "log_level": "warn",
    }


@pytest.mark.parametrize(
    ("plural", "name"),
    [
        ("hosts", "host"),
        ("registry-mirrors", "registry_mirror"),
        ("insecure-registries", "insecure_registry"),
    ],
)
def test_lists_in_the_config_file_are_plural_as_dockerds(
    write_config: WriteConfig, plural: str, name: str
) -> None:
    given = ladingd.settings(["--config-file", write_config({plural: ["x"]})])
    assert without_path(given) == {name: ["x"]}


def test_an_unknown_setting_is_refused(write_config: WriteConfig) -> None:
    with pytest.raises(SystemExit, match="unknown setting: storage-drivers"):
        ladingd.settings(["--config-file", write_config({"storage-drivers": []})])


def test_a_setting_given_twice_is_refused(write_config: WriteConfig) -> None:
    path = write_config({"hosts": ["unix:///b"]})
    with pytest.raises(SystemExit, match="both as a flag and in the configuration file: hosts"):
        ladingd.settings(["-H", "unix:///a", "--config-file", path])


@pytest.mark.parametrize("text", ["{", "[]", ""])
def test_a_config_file_that_is_no_object_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "ladingd.json"
    path.write_text(text)
    with pytest.raises(SystemExit, match=f"ladingd: {path}: "):
        ladingd.settings(["--config-file", str(path)])


def test_a_config_file_that_is_missing_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "absent.json"
    with pytest.raises(SystemExit, match=f"ladingd: {path}: "):
        ladingd.settings(["--config-file", str(path)])


def test_without_settings_the_engine_has_its_defaults() -> None:
    assert ladingd.options({}) == Options()


def test_settings_reach_the_engine() -> None:
    words = (
        "--data-root /d --exec-root /e -D --registry-mirror http://m --insecure-registry r:5000 "
        "--cgroup-parent /cg -b br9 --bip 10.9.0.1/24 --fixed-cidr 10.9.0.128/25 --mtu 1400"
    )
    given = ladingd.settings(words.split(" "))
    assert ladingd.options(given) == Options(
        data_root="/d",
        exec_root="/e",
        debug=True,
        registry_mirrors=("http://m",),
        insecure_registries=("r:5000",),
        cgroup_parent="/cg",
        networks=Settings(
            bridge_name="br9", bip="10.9.0.1/24", fixed_cidr="10.9.0.128/25", mtu=1400
        ),
    )


@pytest.mark.parametrize("given", [["max-size=1k", "tag=a=b"], {"max-size": "1k", "tag": "a=b"}])
def test_options_of_the_log_come_as_words_or_as_an_object(given: object) -> None:
    found = ladingd.options({"log_driver": "local", "log_opt": given})
    assert found.log_driver == "local"
    assert found.log_options == (("max-size", "1k"), ("tag", "a=b"))


def test_relative_roots_are_made_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert ladingd.options({"data_root": "d"}).data_root == f"{tmp_path}/d"


@pytest.mark.parametrize(
    ("host", "listener"),
    [
        ("tcp://127.0.0.1:2375", TcpListener("127.0.0.1", 2375)),
        ("tcp://:4000", TcpListener("127.0.0.1", 4000)),
        ("tcp://[::1]:4000", TcpListener("::1", 4000)),
        ("tcp://0.0.0.0:", TcpListener("0.0.0.0", 2375)),
        ("tcp://127.0.0.1:0", TcpListener("127.0.0.1", 0)),
        ("tcp://10.9.0.1", TcpListener("10.9.0.1", 2375)),
        ("tcp://[::1]", TcpListener("::1", 2375)),
    ],
)
def test_an_address_of_tcp_has_a_host_and_a_port(host: str, listener: TcpListener) -> None:
    assert ladingd.listeners([host], {}) == [listener]


def test_a_socket_file_belongs_to_the_first_group_that_exists(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def find(name: str) -> grp.struct_group:
        if name != "docker":
            raise KeyError(name)
        return grp.struct_group((name, "x", 998, []))

    monkeypatch.setattr(grp, "getgrnam", find)
    assert ladingd.listeners(["unix:///a.sock"], {}) == [UnixListener("/a.sock", gid=998)]


def test_sockets_of_the_service_manager_are_taken_over() -> None:
    environ = {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "2"}
    assert ladingd.listeners(["fd://"], environ) == [InheritedListener(3), InheritedListener(4)]


@pytest.mark.parametrize("environ", [{}, {"LISTEN_PID": "1", "LISTEN_FDS": "2"}])
def test_sockets_meant_for_another_process_are_left_alone(environ: dict[str, str]) -> None:
    with pytest.raises(SystemExit, match="no sockets found via socket activation"):
        ladingd.listeners(["fd://"], environ)


@pytest.mark.parametrize("host", ["/run/x.sock", "http://h:1", "tcp://h:port", "tcp://h:70000"])
def test_an_address_that_is_none_is_refused(host: str) -> None:
    with pytest.raises(SystemExit, match="ladingd: "):
        ladingd.listeners([host], {})


@pytest.mark.parametrize("is_abstract", [False, True])
def test_the_service_manager_is_told(tmp_path: Path, is_abstract: bool) -> None:
    path = f"{tmp_path}/notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind("\0" + path[1:] if is_abstract else path)
        named = "@" + path[1:] if is_abstract else path
        ladingd.notify({"NOTIFY_SOCKET": named}, "READY=1")
        assert manager.recv(100) == b"READY=1"


def test_nobody_is_told_when_there_is_no_service_manager() -> None:
    ladingd.notify({}, "READY=1")
