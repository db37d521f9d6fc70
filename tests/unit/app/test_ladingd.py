"""The daemon's flags, its sockets, and what it tells the service manager."""

import grp
import os
import socket
from pathlib import Path

import pytest

from lading.app import ladingd, sockets
from lading.engine import Options, Reloadable
from lading.http import InheritedListener, TcpListener, UnixListener
from lading.networks import Settings


def test_only_what_was_said_is_a_setting() -> None:
    assert ladingd.settings([]) == {}
    assert ladingd.settings(["-D", "--mtu", "1400"]) == {"debug": True, "mtu": 1400}


def test_repeated_flags_are_collected() -> None:
    given = ladingd.settings(["-H", "unix:///a", "--host", "tcp://:1"])
    assert given == {"host": ["unix:///a", "tcp://:1"]}


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
        reloadable=Reloadable(
            debug=True, registry_mirrors=("http://m",), insecure_registries=("r:5000",)
        ),
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
    assert sockets.listeners([host], {}) == [listener]


def test_a_socket_file_belongs_to_the_first_group_that_exists(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def find(name: str) -> grp.struct_group:
        if name != "docker":
            raise KeyError(name)
        return grp.struct_group((name, "x", 998, []))

    monkeypatch.setattr(grp, "getgrnam", find)
    assert sockets.listeners(["unix:///a.sock"], {}) == [UnixListener("/a.sock", gid=998)]


def test_sockets_of_the_service_manager_are_taken_over() -> None:
    environ = {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "2"}
    assert sockets.listeners(["fd://"], environ) == [InheritedListener(3), InheritedListener(4)]


@pytest.mark.parametrize("environ", [{}, {"LISTEN_PID": "1", "LISTEN_FDS": "2"}])
def test_sockets_meant_for_another_process_are_left_alone(environ: dict[str, str]) -> None:
    with pytest.raises(SystemExit, match="no sockets found via socket activation"):
        sockets.listeners(["fd://"], environ)


@pytest.mark.parametrize("host", ["/run/x.sock", "http://h:1", "tcp://h:port", "tcp://h:70000"])
def test_an_address_that_is_none_is_refused(host: str) -> None:
    with pytest.raises(SystemExit, match="ladingd: "):
        sockets.listeners([host], {})


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
