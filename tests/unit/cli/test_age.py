"""Encryption of backups: there and back, every damage known, and age itself reads it."""

import os
import shutil
from pathlib import Path

import pexpect  # type: ignore[import-untyped]  # ships no types
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lading.cli import age
from lading.cli.failures import Failure

SECRET = b"correct horse"
FAST = 4


def encrypted(data: bytes, *, step: int = 10_000) -> bytes:
    pieces = [data[start : start + step] for start in range(0, len(data), step)]
    return b"".join(age.encrypt(pieces, SECRET, log2n=FAST))


def decrypted(data: bytes, secret: bytes = SECRET, *, step: int = 7_001) -> bytes:
    pieces = [data[start : start + step] for start in range(0, len(data), step)]
    return b"".join(age.decrypt(pieces, secret))


@pytest.mark.parametrize("size", [0, 1, age.PIECE - 1, age.PIECE, age.PIECE + 1, 3 * age.PIECE])
def test_what_was_encrypted_comes_back(size: int) -> None:
    data = os.urandom(size)
    assert decrypted(encrypted(data)) == data


@given(st.binary(max_size=2000), st.integers(1, 500), st.integers(1, 500))
def test_pieces_may_come_in_any_size(data: bytes, first: int, second: int) -> None:
    assert decrypted(encrypted(data, step=first), step=second) == data


def test_another_passphrase_does_not_open_it() -> None:
    with pytest.raises(Failure, match="the passphrase is another one"):
        decrypted(encrypted(b"data"), b"wrong horse")


DATA = os.urandom(100)
WHOLE = encrypted(DATA)


@settings(max_examples=200)
@given(st.integers(0, len(WHOLE) - 1), st.integers(0, 7))
def test_one_bit_that_changed_is_known(position: int, bit: int) -> None:
    changed = bytearray(WHOLE)
    changed[position] ^= 1 << bit
    try:
        found = decrypted(bytes(changed))
    except Failure:
        return
    assert found == DATA  # a bit of base64 that stands for nothing


@given(st.integers(0, len(WHOLE) - 1))
def test_one_that_was_cut_off_is_known(length: int) -> None:
    with pytest.raises(Failure):
        decrypted(WHOLE[:length])


def test_a_piece_that_was_left_out_is_known() -> None:
    data = encrypted(bytes(3 * age.PIECE))
    begin = len(data) - 3 * (age.PIECE + age.TAG)
    with pytest.raises(Failure, match="changed or cut off"):
        decrypted(data[:begin] + data[begin + age.PIECE + age.TAG :])


def test_too_much_work_is_refused() -> None:
    told = WHOLE.replace(b" 4\n", b" 30\n", 1)
    with pytest.raises(Failure, match="too much work"):
        decrypted(told)


@pytest.mark.skipif(not shutil.which("age"), reason="age is not installed")
def test_age_itself_reads_it(tmp_path: Path) -> None:
    (tmp_path / "file.age").write_bytes(encrypted(b"data " * 50_000))
    words = ["-d", "-o", f"{tmp_path}/file", f"{tmp_path}/file.age"]
    child = pexpect.spawn("age", words, timeout=20)
    child.expect("passphrase")
    child.sendline(SECRET)
    child.expect(pexpect.EOF)
    assert (tmp_path / "file").read_bytes() == b"data " * 50_000
