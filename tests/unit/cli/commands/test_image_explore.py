"""The layers of an image as a table."""

from __future__ import annotations

from typing import Any

from lading.cli.commands import image_explore
from lading.cli.commands.image_explore import COMMAND, ExploreArguments
from lading.cli.parser import parse

LAYER: dict[str, Any] = {
    "Size": 10,
    "Added": 2,
    "Changed": 0,
    "Removed": 0,
    "Wasted": 0,
    "CreatedBy": "RUN  a",
    "Files": [],
}
FILE = {"Path": "etc/a", "Size": 4_000_000, "Change": "removed"}
FOUND = {
    "Layers": [LAYER, LAYER | {"Wasted": 4, "Removed": 1, "CreatedBy": "x" * 99, "Files": [FILE]}],
    "Size": 20,
    "Wasted": 4,
    "Waste": [{"Path": "etc/a", "Times": 1, "Size": 4}, {"Path": "b", "Times": 1, "Size": 1}],
}


def shown(*words: str) -> str:
    args = parse([*words, "image"], COMMAND, ExploreArguments())
    return image_explore.render(FOUND, args)


def test_layers_and_what_is_wasted() -> None:
    assert shown("--top", "1") == (
        "LAYER     SIZE      ADDED     CHANGED   REMOVED   WASTED    CREATED BY\n"
        "1         10B       2         0         0         0B        RUN a\n"
        f"2         10B       2         0         1         4B        {'x' * 59}\u2026\n"
        "\n20B in files, 4B of them wasted (80.0 % seen)\n"
        "WASTED    TIMES     PATH\n"
        "4B        1         /etc/a\n"
    )


def test_commands_may_be_shown_whole() -> None:
    assert "x" * 99 in shown("--no-trunc")


def test_files_of_a_layer() -> None:
    assert "\nLayer 2\nD        4MB /etc/a\n" in shown("--files")
