"""The table of images."""

from __future__ import annotations

from lading.cli.commands import images
from lading.cli.commands.images import COMMAND, ImagesArguments
from lading.cli.parser import parse

NOW = 1_700_000_000.0
DIGEST = "sha256:" + "cd" * 32
IMAGE = {
    "Id": "sha256:" + "ab" * 32,
    "RepoTags": ["host:5000/x:1", "y:latest"],
    "RepoDigests": [f"y@{DIGEST}"],
    "Created": int(NOW) - 86400 * 3,
    "Size": 4_260_000,
    "SharedSize": -1,
    "Containers": 2,
}


def shown(*words: str, **changes: object) -> str:
    return images.render([IMAGE | changes], parse(words, COMMAND, ImagesArguments()), NOW)


def test_a_row_per_tag() -> None:
    assert shown() == (
        "REPOSITORY    TAG       IMAGE ID       CREATED      SIZE\n"
        "host:5000/x   1         abababababab   3 days ago   4.26MB\n"
        "y             latest    abababababab   3 days ago   4.26MB\n"
    )


def test_digests() -> None:
    assert shown("--digests", "--format", "{{.Repository}} {{.Tag}} {{.Digest}}") == (
        f"host:5000/x 1 <none>\ny latest {DIGEST}\n"
    )


def test_an_image_without_a_name() -> None:
    line = shown(RepoTags=[], RepoDigests=None).splitlines()[1]
    assert line.split()[:3] == ["<none>", "<none>", "abababababab"]


def test_an_image_that_has_only_a_digest() -> None:
    assert shown("--format", "{{.Repository}} {{.Tag}}", RepoTags=None) == "y <none>\n"


def test_an_image_of_unknown_age() -> None:
    assert shown("--format", "{{.CreatedSince}}", Created=0) == "N/A\nN/A\n"


def test_ids_only() -> None:
    assert shown("-q", "--no-trunc", RepoTags=["x:1"]) == "sha256:" + "ab" * 32 + "\n"
