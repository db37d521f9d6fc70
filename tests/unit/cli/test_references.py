"""Image references, as they are typed, said and meant."""

import pytest

from lading.cli import references

DIGEST = "sha256:" + "ab" * 32


@pytest.mark.parametrize(
    ("reference", "repository", "tag"),
    [
        ("busybox", "busybox", "latest"),
        ("busybox:1", "busybox", "1"),
        ("host:5000/a/b", "host:5000/a/b", "latest"),
        ("host:5000/a/b:2", "host:5000/a/b", "2"),
        (f"busybox@{DIGEST}", "busybox", DIGEST),
        (f"busybox:1@{DIGEST}", "busybox", DIGEST),
    ],
)
def test_split(reference: str, repository: str, tag: str) -> None:
    assert references.split(reference) == (repository, tag)


def test_familiar_and_complete() -> None:
    assert references.familiar("docker.io/library/busybox") == "busybox:latest"
    assert references.familiar("docker.io/me/x:1") == "me/x:1"
    assert references.complete("busybox") == "docker.io/library/busybox:latest"
    assert references.complete("me/x") == "docker.io/me/x:latest"
    assert references.complete("localhost/x:1") == "localhost/x:1"
    assert references.complete(f"busybox@{DIGEST}") == f"docker.io/library/busybox@{DIGEST}"


def test_has_tag() -> None:
    assert references.has_tag("a:1")
    assert references.has_tag(f"a@{DIGEST}")
    assert not references.has_tag("host:5000/a")
