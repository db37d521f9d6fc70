"""What a plain user's engine needs, where it keeps things, and how its network is connected."""

import os
import signal
import socket
from pathlib import Path

import pytest

from lading.app.rootless import beside, door, needs, places, uplink
from lading.app.rootless.beside import Process
from lading.app.rootless.needs import Ids
from lading.networks.ports.door import maker

ENOUGH = Ids([(100000, 65536)], [(100000, 65536)])


def test_places_are_those_of_the_xdg_specification() -> None:
    environ = {"HOME": "/home/a", "XDG_RUNTIME_DIR": "/run/user/7"}
    found = places(environ)
    assert found == ("/home/a/.local/share/lading", "/run/user/7/lading", "/run/user/7/lading.sock")
    assert places(environ | {"XDG_DATA_HOME": "/d"}).data_root == "/d/lading"
    assert places({"HOME": "/home/a"}).socket == ""


def test_nothing_is_missing_where_everything_is_there(tmp_path: Path) -> None:
    assert needs.missing("a", ENOUGH, str(tmp_path)) == []


def test_programs_without_their_rights_are_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "newuidmap").touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    found = needs.missing("a", ENOUGH, str(tmp_path))
    assert [text.split()[0] for text in found] == ["newuidmap", "newgidmap"]


def test_missing_ids_come_with_the_command_that_adds_them(tmp_path: Path) -> None:
    [text] = needs.missing("a", Ids(ENOUGH.uids, []), str(tmp_path))
    assert text == (
        "/etc/subgid has no line for a (as root: usermod --add-subgids 100000-165535 a)"
    )


def test_a_session_directory_of_somebody_else_is_refused() -> None:
    [text] = needs.missing("a", ENOUGH, "/proc/1/fd/none")
    assert text == "XDG_RUNTIME_DIR=/proc/1/fd/none is not a directory of yours"


@pytest.mark.parametrize(
    ("program", "word"), [("pasta", "--no-map-gw"), ("slirp4netns", "--disable-host-loopback")]
)
def test_neither_program_opens_the_hosts_loopback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str, word: str
) -> None:
    (tmp_path / program).touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    words = uplink.command(17)
    assert words is not None
    assert words[0] == str(tmp_path / program)
    assert {word, "17"} <= set(words)


def test_without_a_program_the_problem_names_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "apt install passt" in uplink.problem()


def own_start() -> int:
    with open("/proc/self/stat") as file:
        return int(file.read().rpartition(")")[2].split()[19])


def test_a_process_is_found_by_pid_and_start_alone(tmp_path: Path) -> None:
    place = str(tmp_path)
    assert beside.find(place, "x") is None
    record = tmp_path / "x.json"
    record.write_text('{"pid": 1, "start_time": 99}')
    assert beside.find(place, "x") is None
    assert beside.write(place, "x", os.getpid()) == Process(os.getpid(), own_start())
    assert beside.find(place, "x") == Process(os.getpid(), own_start())
    record.write_text("{")
    assert beside.find(place, "x") is None


def test_a_stranger_with_the_pid_of_a_process_is_left_alone(tmp_path: Path) -> None:
    record = tmp_path / "x.json"
    record.write_text(f'{{"pid": {os.getpid()}, "start_time": {own_start() + 1}}}')
    beside.end(str(tmp_path), "x", signal.SIGKILL)
    assert not record.exists()


def test_the_door_hands_in_sockets_and_outlives_nonsense(tmp_path: Path) -> None:
    place = str(tmp_path)
    door.start(place)
    path = f"{place}/{door.SOCKET}"
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as client:
            client.connect(path)
            client.send(b"nonsense")
        make = maker(path)
        with make(socket.AF_INET, socket.SOCK_STREAM, 0) as made:
            made.bind(("127.0.0.1", 0))
            made.listen()
            assert made.getsockname()[1] > 0
        with pytest.raises(OSError, match="not supported"):
            make(socket.AF_INET, socket.SOCK_STREAM, 250)
        before = beside.find(place, door.NAME)
        door.start(place)
        assert beside.find(place, door.NAME) == before
    finally:
        door.stop(place)
    with pytest.raises(OSError, match=r"refused|Input/output"):  # it is gone, or on its way
        maker(path)(socket.AF_INET, socket.SOCK_STREAM, 0)
