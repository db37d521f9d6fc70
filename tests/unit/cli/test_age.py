"""Encryption of backups: there and back, every damage known, and age's own library agrees."""

import os

import pyrage  # type: ignore[import-untyped]  # ships no types
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
    with pytest.raises(Failure):
        decrypted(bytes(changed))


@given(st.integers(0, len(WHOLE) - 1))
def test_one_that_was_cut_off_is_known(length: int) -> None:
    with pytest.raises(Failure):
        decrypted(WHOLE[:length])


def test_a_piece_that_was_left_out_is_known() -> None:
    data = encrypted(bytes(3 * age.PIECE))
    begin = len(data) - 3 * (age.PIECE + age.TAG)
    with pytest.raises(Failure, match="changed or cut off"):
        decrypted(data[:begin] + data[begin + age.PIECE + age.TAG :])


@pytest.mark.parametrize("work", [b"30", b"1" * 5000])
def test_too_much_work_is_refused(work: bytes) -> None:
    told = WHOLE.replace(b" 4\n", b" " + work + b"\n", 1)
    with pytest.raises(Failure, match=r"too much work|no encrypted file"):
        decrypted(told)


@pytest.mark.parametrize("work", [b"0", b"04", b"-4", b"+4", b" 4", b"", b"x"])
def test_work_that_is_no_number_is_known(work: bytes) -> None:
    told = WHOLE.replace(b" 4\n", b" " + work + b"\n", 1)
    with pytest.raises(Failure):
        decrypted(told)


@given(st.binary(max_size=200_000))
@settings(max_examples=20)
def test_ages_library_reads_it(data: bytes) -> None:
    assert pyrage.passphrase.decrypt(encrypted(data), SECRET.decode()) == data


def test_what_ages_library_wrote_is_read() -> None:
    data = os.urandom(2 * age.PIECE + 5)
    assert decrypted(pyrage.passphrase.encrypt(data, SECRET.decode())) == data
