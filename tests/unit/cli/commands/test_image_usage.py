"""What images take, as a table."""

from __future__ import annotations

from lading.cli import format
from lading.cli.commands import image_usage

ROW = {
    "Id": "sha256:" + "ab" * 32,
    "RepoTags": ["a:1", "b:2"],
    "Size": 5_000_000,
    "SharedSize": 2_000_000,
    "UniqueSize": 3_000_000,
    "BlobSize": 1_500_000,
    "Containers": 1,
    "Added": 1000,
    "LastUsed": 8000,
}


def shown(*rows: dict[str, object], wanted: str = "") -> str:
    fields = image_usage.fields(8000.0 + 7200)
    return format.rows(rows, fields, wanted, tuple(fields))


def test_sizes_and_the_last_use() -> None:
    head, row = shown(ROW).splitlines()
    assert head == (
        "IMAGE ID       LAST USED     CONTAINERS   SIZE      SHARED    UNIQUE    COMPRESSED   NAMES"
    )
    assert row.split("   ")[:3] == ["abababababab", "2 hours ago", "1"]
    assert row.split()[5:] == ["5MB", "2MB", "3MB", "1.5MB", "a:1,", "b:2"]


def test_an_image_that_nobody_used() -> None:
    row = ROW | {"LastUsed": 0, "RepoTags": []}
    assert shown(row, wanted="{{.LastUsed}} {{.Names}}") == "never <none>\n"
