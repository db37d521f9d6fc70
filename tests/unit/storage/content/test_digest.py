"""A digest becomes a file path, so only well-formed ones are let in."""

import hashlib

import pytest

from lading.storage.content import InvalidDigest, digest

HEX = "0123456789abcdef" * 4


def test_a_sha256_digest_splits_into_algorithm_and_hex() -> None:
    assert digest.parse(f"sha256:{HEX}") == ("sha256", HEX)


def test_a_sha512_digest_has_twice_the_length() -> None:
    assert digest.parse(f"sha512:{HEX * 2}") == ("sha512", HEX * 2)


@pytest.mark.parametrize(
    "text",
    [
        "",
        HEX,
        f"sha256:{HEX[:-1]}",
        f"sha256:{HEX}0",
        f"sha256:{HEX.upper()}",
        f"sha512:{HEX}",
        f"md5:{HEX[:32]}",
        "sha256:" + "../" * 21 + "a",
        f"../sha256:{HEX}",
        f"sha256:{HEX[:-1]}\n",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(InvalidDigest):
        digest.parse(text)


def test_of_hashes_bytes_in_memory() -> None:
    assert digest.of(b"abc") == f"sha256:{hashlib.sha256(b'abc').hexdigest()}"
    assert digest.of(b"abc", "sha512") == f"sha512:{hashlib.sha512(b'abc').hexdigest()}"
