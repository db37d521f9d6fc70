"""Digests are checked before they name anything."""

import pytest

from lading.oci import digest


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sha256", "invalid checksum digest format"),
        ("sha256:", "invalid checksum digest format"),
        ("sha256:../../etc/passwd", "invalid checksum digest format"),
        ("sha256:" + "A" * 64, "invalid checksum digest format"),
        ("sha256:" + "a" * 63, "invalid checksum digest length"),
        ("crc32:" + "a" * 8, "unsupported digest algorithm"),
        ("sha256:" + "a" * 64 + "\n", "invalid checksum digest format"),
    ],
)
def test_what_is_no_digest_is_refused(text: str, message: str) -> None:
    with pytest.raises(digest.InvalidDigest, match=message):
        digest.check(text)


def test_bytes_verify_against_their_own_digest_only() -> None:
    for algorithm in digest.HEX_LENGTHS:
        named = digest.of(b"content", algorithm=algorithm)
        assert digest.check(named) == named
        assert digest.verifies(b"content", named)
        assert not digest.verifies(b"contenT", named)


def test_chain_ids_follow_the_specification() -> None:
    first, second = digest.of(b"one"), digest.of(b"two")
    assert digest.chain_ids([]) == []
    assert digest.chain_ids([first, second]) == [first, digest.of(f"{first} {second}".encode())]
