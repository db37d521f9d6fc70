"""Encryption by a passphrase, in the format of age: `age -d` opens what is written here.

    age-encryption.org/v1
    -> scrypt SALT LOG2N
    the key of the file, encrypted by the passphrase's
    --- HMAC of all above
    nonce, then pieces of 64 KiB, each ChaCha20-Poly1305 with a counter and a mark on the last

The engine never sees the passphrase: this is done by the command, on its own side.
Source: https://c2sp.org/age (version 1). The cipher is of the library cryptography; why the frame
around it is ours: docs/decisions/0064.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os

from lading.cli.failures import Failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Protocol

    class Cipher(Protocol):
        """What is used of a ChaCha20Poly1305."""

        def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None) -> bytes: ...
        def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None) -> bytes: ...


INTRO = b"age-encryption.org/v1\n"
PIECE, TAG, NONCE = 64 * 1024, 16, 16
LOG2N = 18  # what age takes: about a second and 256 MiB
MOST_LOG2N = 22  # what age accepts
_SALT, _WRAPPED, _MAC = 16, 32, 32  # bytes, in the head
_CHANGED = "the head of the encrypted file was changed"
_LABEL = b"age-encryption.org/v1/scrypt"


def is_encrypted(head: bytes) -> bool:
    """Whether a file begins so."""
    return head.startswith(INTRO)


def encrypt(chunks: Iterable[bytes], passphrase: bytes, *, log2n: int = LOG2N) -> Iterator[bytes]:
    """The encrypted form of a stream."""
    key, salt = os.urandom(16), os.urandom(_SALT)
    wrapped = _cipher(_scrypt(passphrase, salt, log2n)).encrypt(bytes(12), key, None)
    head = INTRO + b"-> scrypt %b %d\n%b\n---" % (_encode(salt), log2n, _encode(wrapped))
    nonce = os.urandom(NONCE)
    yield head + b" " + _encode(_mac(key, head)) + b"\n" + nonce
    cipher = _cipher(_hkdf(key, nonce, b"payload"))
    pending, number = b"", 0
    for chunk in chunks:
        pending += chunk
        while len(pending) > PIECE:  # the last piece is never empty, but in an empty file
            yield cipher.encrypt(_counter(number), pending[:PIECE], None)
            pending, number = pending[PIECE:], number + 1
    yield cipher.encrypt(_counter(number, is_last=True), pending, None)


def decrypt(chunks: Iterable[bytes], passphrase: bytes) -> Iterator[bytes]:
    """The plain form. Raises Failure: a wrong passphrase, a changed or a cut file."""
    source = _Reader(chunks)
    key = _file_key(source, passphrase)
    cipher = _cipher(_hkdf(key, source.take(NONCE), b"payload"))
    number = 0
    piece = source.most(PIECE + TAG)
    while True:
        following = source.most(PIECE + TAG)
        nonce = _counter(number, is_last=not following)
        yield _opened(cipher, nonce, piece, "it was changed or cut off")
        if not following:
            return
        piece, number = following, number + 1


def _file_key(source: _Reader, passphrase: bytes) -> bytes:
    head = source.line()
    if head != INTRO:
        raise Failure("this file is not encrypted")
    stanza, body = source.line(), source.line()
    words = stanza.removesuffix(b"\n").split(b" ")
    if len(words) != 4 or words[:2] != [b"->", b"scrypt"]:
        raise Failure("this file is encrypted, but not by a passphrase")
    salt, log2n = _decode(words[2], _SALT), _work(words[3])
    wrapped = _decode(body.removesuffix(b"\n"), _WRAPPED)
    cipher = _cipher(_scrypt(passphrase, salt, log2n))
    key = _opened(cipher, bytes(12), wrapped, "the passphrase is another one")
    last = source.line()
    told = head + stanza + body + b"---"
    mac = _decode(last.removeprefix(b"--- ").removesuffix(b"\n"), _MAC)
    if not hmac.compare_digest(mac, _mac(key, told)):
        raise Failure(_CHANGED)
    return key


def _work(word: bytes) -> int:
    """The logarithm of scrypt's N, a number from 1 on without leading zeros. Raises Failure."""
    if not word.isdigit() or word.startswith(b"0"):
        raise Failure(_CHANGED)
    if len(word) > 2 or int(word) > MOST_LOG2N:
        raise Failure("this file asks for too much work to try its passphrase")
    return int(word)


def _opened(cipher: Cipher, nonce: bytes, data: bytes, problem: str) -> bytes:
    from cryptography.exceptions import InvalidTag

    try:
        return cipher.decrypt(nonce, data, None)
    except InvalidTag:
        raise Failure(f"cannot decrypt: {problem}") from None


class _Reader:
    """Bytes of a stream by number and by line."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._rest = b""

    def most(self, size: int) -> bytes:
        """So many bytes, fewer only at the end."""
        while len(self._rest) < size and (chunk := next(self._chunks, None)) is not None:
            self._rest += chunk
        found, self._rest = self._rest[:size], self._rest[size:]
        return found

    def take(self, size: int) -> bytes:
        """Exactly so many. Raises Failure."""
        found = self.most(size)
        if len(found) < size:
            raise Failure("the encrypted file was cut off")
        return found

    def line(self) -> bytes:
        """With its end. Raises Failure when it is longer than any line of a head."""
        while b"\n" not in self._rest and len(self._rest) < 1024:
            chunk = next(self._chunks, None)
            if chunk is None:
                break
            self._rest += chunk
        line, newline, self._rest = self._rest.partition(b"\n")
        if not newline:
            raise Failure("this is no encrypted file")
        return line + newline


def _counter(number: int, *, is_last: bool = False) -> bytes:
    return number.to_bytes(11, "big") + (b"\1" if is_last else b"\0")


def _scrypt(passphrase: bytes, salt: bytes, log2n: int) -> bytes:
    n = 1 << log2n
    memory = 128 * n * 8 + (1 << 20)
    return hashlib.scrypt(passphrase, salt=_LABEL + salt, n=n, r=8, p=1, dklen=32, maxmem=memory)


def _hkdf(key: bytes, salt: bytes, info: bytes) -> bytes:
    """HKDF-SHA-256 of 32 bytes: RFC 5869."""
    extracted = hmac.digest(salt or bytes(32), key, "sha256")
    return hmac.digest(extracted, info + b"\1", "sha256")


def _mac(key: bytes, head: bytes) -> bytes:
    return hmac.digest(_hkdf(key, b"", b"header"), head, "sha256")


def _encode(data: bytes) -> bytes:
    return base64.b64encode(data).rstrip(b"=")


def _decode(text: bytes, size: int) -> bytes:
    """So many bytes, from the one text that stands for them. Raises Failure."""
    try:
        data = base64.b64decode(text + b"=" * (-len(text) % 4), validate=True)
    except ValueError:
        raise Failure(_CHANGED) from None
    # as the format says: bits that stand for nothing are zero, so no head has a second form
    if len(data) != size or _encode(data) != text:
        raise Failure(_CHANGED)
    return data


def _cipher(key: bytes) -> Cipher:
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

    return ChaCha20Poly1305(key)
