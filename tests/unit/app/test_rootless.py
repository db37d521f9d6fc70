"""What a plain user's engine needs, where it keeps things, and how its network is connected."""

import os
from pathlib import Path

import pytest

from lading.app.rootless import needs, nest, places, uplink
from lading.app.rootless.needs import Ids
from lading.app.rootless.nest import Nest

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


def test_a_stranger_with_the_pid_of_the_uplink_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / uplink.PIDFILE).write_text(str(os.getpid()))
    uplink.stop(str(tmp_path))


def test_a_nest_is_found_by_pid_and_start_alone(tmp_path: Path) -> None:
    assert nest.find(str(tmp_path)) is None
    record = tmp_path / nest.FILE
    record.write_text('{"pid": 1, "start_time": 99}')
    assert nest.find(str(tmp_path)) is None
    with open("/proc/self/stat") as file:
        start = int(file.read().rpartition(")")[2].split()[19])
    record.write_text(f'{{"pid": {os.getpid()}, "start_time": {start}}}')
    assert nest.find(str(tmp_path)) == Nest(os.getpid(), start)
    record.write_text("{")
    assert nest.find(str(tmp_path)) is None
