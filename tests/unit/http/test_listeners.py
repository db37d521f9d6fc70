"""Listening sockets: who may connect, what happens to leftovers, sockets opened by others."""

import os
import socket
import stat
from pathlib import Path

import pytest

from lading.http.listeners import InheritedListener, TcpListener, UnixListener, open_socket


def test_only_owner_and_group_reach_the_socket(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with open_socket(UnixListener(str(path), mode=0o660, gid=12345)):
        status = path.stat()
    assert (stat.S_IMODE(status.st_mode), status.st_gid) == (0o660, 12345)


def test_a_leftover_socket_file_is_replaced(tmp_path: Path) -> None:
    listener = UnixListener(str(tmp_path / "s"))
    open_socket(listener).close()
    open_socket(listener).close()


def test_a_socket_that_answers_is_somebodys(tmp_path: Path) -> None:
    listener = UnixListener(str(tmp_path / "s"))
    with open_socket(listener), pytest.raises(OSError, match="in use"):
        open_socket(listener)


def test_an_inherited_socket_is_used_and_not_passed_on(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as original:
        fd = os.dup(original.fileno())
        os.set_inheritable(fd, True)
        with open_socket(InheritedListener(fd)) as opened:
            assert opened.getsockname() == original.getsockname()
            assert not os.get_inheritable(fd)


def test_a_port_that_is_taken_raises(tmp_path: Path) -> None:
    with open_socket(TcpListener("127.0.0.1", 0)) as first, pytest.raises(OSError, match="in use"):
        open_socket(TcpListener("127.0.0.1", first.getsockname()[1]))
