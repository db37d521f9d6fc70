"""An archive that goes to the engine: from a file or stdin, decrypted on the way if need be."""

from __future__ import annotations

from lading.cli.commands.load import open_archive, pieces

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


def opened(path: str, passphrase_file: str) -> tuple[int, Iterator[bytes]]:
    """A descriptor for the caller to close, and the plain bytes. Raises Failure."""
    descriptor = open_archive("" if path == "-" else path)
    return descriptor, _plain(pieces(descriptor), passphrase_file)


def _plain(chunks: Iterator[bytes], passphrase_file: str) -> Iterator[bytes]:
    head = b""
    while len(head) < 64 and (chunk := next(chunks, None)) is not None:
        head += chunk
    from lading.cli import age

    whole = _again(head, chunks)
    if not age.is_encrypted(head):
        yield from whole
        return
    from lading.cli import passphrases

    yield from age.decrypt(whole, passphrases.read(passphrase_file))


def _again(head: bytes, chunks: Iterator[bytes]) -> Iterator[bytes]:
    if head:
        yield head
    yield from chunks
