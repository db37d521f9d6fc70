"""ssh:// through a program that stands for ssh."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from lading.sdk import address, ssh
from lading.sdk.errors import AddressError, ConnectionFailed

if TYPE_CHECKING:
    from pathlib import Path


def test_the_words_of_ssh() -> None:
    words = ssh.command(address.parse("ssh://me@host:2222/run/x.sock"))
    assert words[:7] == ["ssh", "-o", "ConnectTimeout=30", "-T", "-l", "me", "-p"]
    assert words[7:10] == ["2222", "--", "host"]
    assert "lading --host unix:///run/x.sock system dial-stdio" in words[10]


@pytest.mark.parametrize(
    "text", ["ssh://", "ssh://me:pw@h", "ssh://-oProxyCommand=x", "ssh://-l@h", "ssh://h:x"]
)
def test_what_could_be_an_option_or_a_password_is_refused(text: str) -> None:
    with pytest.raises(AddressError):
        address.parse(text)


def test_a_path_that_a_shell_would_read_is_refused() -> None:
    with pytest.raises(AddressError):
        ssh.command(address.parse("ssh://h/x;reboot"))


def test_half_a_close_ends_the_remote_stdin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ssh").write_text("#!/bin/sh\ntr a-z A-Z\n")
    (tmp_path / "ssh").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    sock = ssh.connect(address.parse("ssh://h"))
    sock.sendall(b"hello")
    sock.shutdown(1)
    answer = b""
    while piece := sock.recv(100):
        answer += piece
    sock.close()
    assert answer == b"HELLO"


def test_without_ssh_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ConnectionFailed):
        ssh.connect(address.parse("ssh://h"))
