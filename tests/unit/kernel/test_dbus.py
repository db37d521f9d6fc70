"""D-Bus messages: written and read back, and a conversation with a peer of our own."""

import os
import socket
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.kernel import dbus
from lading.kernel.dbus import DBusError, Reader

texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
SIMPLE: dict[str, st.SearchStrategy[Any]] = {
    "y": st.integers(0, 255),
    "u": st.integers(0, (1 << 32) - 1),
    "t": st.integers(0, (1 << 64) - 1),
    "x": st.integers(-(1 << 63), (1 << 63) - 1),
    "s": texts,
}


def typed(signature: str) -> st.SearchStrategy[tuple[str, Any]]:
    return SIMPLE[signature].map(lambda value: (signature, value))


def wider(inner: st.SearchStrategy[tuple[str, Any]]) -> st.SearchStrategy[tuple[str, Any]]:
    """Lists, structures and variants of what there is."""
    structures = st.lists(inner, min_size=1, max_size=3).map(
        lambda parts: (f"({''.join(s for s, _ in parts)})", tuple(v for _, v in parts))
    )
    variants = inner.map(lambda part: ("v", part))
    lists = st.tuples(inner, st.integers(0, 3)).map(
        lambda pair: (f"a{pair[0][0]}", [pair[0][1]] * pair[1])
    )
    return st.one_of(structures, variants, lists)


values = st.recursive(st.sampled_from(list(SIMPLE)).flatmap(typed), wider, max_leaves=6)


@given(values, st.integers(0, 7))
def test_every_value_is_read_back(value: tuple[str, Any], offset: int) -> None:
    signature, content = value
    out = bytearray(offset)
    dbus.write(out, signature, content)
    reader = Reader(bytes(out), "<")
    reader.at = offset
    assert reader.read(signature) == content
    assert reader.at == len(out)


def test_signatures_are_split_at_their_types() -> None:
    assert dbus.split("ssa(sv)a(sa(sv))u") == ["s", "s", "a(sv)", "a(sa(sv))", "u"]
    with pytest.raises(ValueError, match="bad signature"):
        dbus.split("(s")


def test_a_call_is_laid_out_as_the_specification_says() -> None:
    call = dbus.message(1, 7, [(dbus.PATH, ("o", "/a"))], "", ())
    head = bytes.fromhex("6c010001 00000000 07000000 0b000000".replace(" ", ""))
    field = bytes.fromhex("01 016f00 02000000 2f6100".replace(" ", ""))  # number, "o", length, text
    assert call == head + field + bytes(5)  # padded to eight


class Peer(threading.Thread):
    """Answers each call as `answers` says: messages to send, made from the call's serial."""

    def __init__(self, place: Path, answers: list[Any]) -> None:
        super().__init__(daemon=True)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(place))
        self._listener.listen()
        self._answers = answers
        self.calls: list[dbus.Message] = []

    def run(self) -> None:
        client, _ = self._listener.accept()
        self._listener.close()
        with client, client.makefile("rb") as stream:
            line = stream.readline()
            expected = b"\0AUTH EXTERNAL " + str(os.geteuid()).encode().hex().encode() + b"\r\n"
            # as systemd: a call that came together with BEGIN would not be answered
            is_ready = line == expected and stream.readline() == b"BEGIN\r\n"
            client.sendall(b"OK 0123\r\n" if is_ready else b"REJECTED\r\n")
            if not is_ready:
                return
            for answer in self._answers:
                head = stream.read(16)
                body, serial, fields = (
                    int.from_bytes(head[at : at + 4], "little") for at in (4, 8, 12)
                )
                rest = stream.read(fields + -fields % 8 + body)
                self.calls.append(dbus.parse(head + rest))
                client.sendall(b"".join(answer(serial)))


def returned(serial: int, signature: str, *body: object) -> bytes:
    fields = [(dbus.REPLY_SERIAL, ("u", serial)), (dbus.SIGNATURE, ("g", signature))]
    return dbus.message(dbus.METHOD_RETURN, 1, fields, signature, body)


def signalled(member: str, text: str) -> bytes:
    fields = [(dbus.MEMBER, ("s", member)), (dbus.SIGNATURE, ("g", "s"))]
    return dbus.message(dbus.SIGNAL, 1, fields, "s", (text,))


def failed(serial: int) -> bytes:
    fields = [
        (dbus.REPLY_SERIAL, ("u", serial)),
        (dbus.ERROR_NAME, ("s", "org.example.Bad")),
        (dbus.SIGNATURE, ("g", "s")),
    ]
    return dbus.message(dbus.ERROR, 1, fields, "s", ("it is bad",))


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "socket"


def test_calls_are_answered_and_signals_wait_their_turn(place: Path) -> None:
    def first(serial: int) -> list[bytes]:
        early = signalled("Other", "no"), signalled("Done", "early")
        return [*early, returned(serial, "o", "/j")]

    def second(serial: int) -> list[bytes]:
        return [failed(serial), signalled("Done", "late")]

    peer = Peer(place, [first, second])
    peer.start()
    connection = dbus.Connection(str(place))
    assert connection.call("/p", "org.example.Manager.Go", "s", "now") == ["/j"]
    assert connection.wait_signal("Done") == ["early"]
    with pytest.raises(DBusError, match=r"org\.example\.Bad: it is bad"):
        connection.call("/p", "org.example.Manager.Stop")
    assert connection.wait_signal("Done") == ["late"]
    with pytest.raises((TimeoutError, ConnectionResetError)):
        connection.wait_signal("Done", timeout_s=0.05)
    connection.close()
    peer.join(5)
    [call, _] = peer.calls
    assert (call.fields[dbus.MEMBER], call.fields[dbus.INTERFACE]) == ("Go", "org.example.Manager")
    assert call.body == ["now"]


def test_a_peer_that_is_not_there_is_an_oserror(place: Path) -> None:
    with pytest.raises(FileNotFoundError):
        dbus.Connection(str(place))
