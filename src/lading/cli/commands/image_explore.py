"""`lading image explore`: what each layer of an image brings, and what is carried in vain."""

from __future__ import annotations

import sys

from lading import quantities
from lading.cli import format, table
from lading.cli.command import Command
from lading.cli.flags import BOOL, INT, STRING, Flag
from lading.cli.format import Field
from lading.cli.list_flags import NO_TRUNC_FLAG
from lading.cli.parser import Arguments, parse
from lading.sdk import images, json_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lading.cli.session import Session
    from lading.sdk.request import Document

COMMAND = Command(
    "image explore",
    "[OPTIONS] IMAGE",
    "Show the files of each layer, and the bytes that upper layers hide",
    (
        Flag("files", "", BOOL, "List the files of every layer"),
        Flag("format", "", STRING, "'json' for everything as one document"),
        NO_TRUNC_FLAG,
        Flag("platform", "", STRING, "Of an image for several platforms, explore this one"),
        Flag("top", "", INT, "How many wasted paths to list", default=10),
    ),
    least=1,
    most=1,
)
BY_WIDTH = 60  # letters of a layer's command
MARKS = {"added": "A", "changed": "C", "removed": "D"}  # as `diff` writes them


class ExploreArguments(Arguments):
    files: bool
    format: str
    no_trunc: bool
    platform: str
    top: int


def run(session: Session, words: Sequence[str]) -> int:
    args = parse(words, COMMAND, ExploreArguments())
    call = images.explore(args.words[0], platform=args.platform, files=args.files)
    found = session.run(call)
    if args.format == "json":
        sys.stdout.write(json_text.dumps(found, ascii=False) + "\n")
    else:
        sys.stdout.write(render(found, args))
    return 0


def render(found: Document, args: ExploreArguments) -> str:
    """The table of layers, their files if they are there, and what is wasted."""
    layers = [layer | {"Number": number} for number, layer in enumerate(found["Layers"], 1)]
    fields = _fields(args.no_trunc)
    parts = [format.rows(layers, fields, "", tuple(fields))]
    for layer in layers:
        if args.files:
            parts.append(f"\nLayer {layer['Number']}\n" + _files(layer["Files"]))
    size, wasted = found["Size"], found["Wasted"]
    share = 100 * (size - wasted) / size if size else 100.0
    total = quantities.format_bytes(size), quantities.format_bytes(wasted)
    parts.append("\n{} in files, {} of them wasted ({:.1f} % seen)\n".format(*total, share))
    if found["Waste"] and args.top > 0:
        head = [["WASTED", "TIMES", "PATH"]]
        rows = [
            [quantities.format_bytes(row["Size"]), str(row["Times"]), f"/{row['Path']}"]
            for row in found["Waste"][: args.top]
        ]
        parts.append(table.render(head + rows))
    return "".join(parts)


def _fields(no_trunc: bool) -> dict[str, Field]:
    def created_by(layer: Document) -> str:
        text = " ".join(layer["CreatedBy"].split())
        fits = no_trunc or len(text) <= BY_WIDTH
        return text if fits else text[: BY_WIDTH - 1] + "\N{HORIZONTAL ELLIPSIS}"

    return {
        "Layer": Field("LAYER", lambda layer: str(layer["Number"])),
        "Size": Field("SIZE", lambda layer: quantities.format_bytes(layer["Size"])),
        "Added": Field("ADDED", lambda layer: str(layer["Added"])),
        "Changed": Field("CHANGED", lambda layer: str(layer["Changed"])),
        "Removed": Field("REMOVED", lambda layer: str(layer["Removed"])),
        "Wasted": Field("WASTED", lambda layer: quantities.format_bytes(layer["Wasted"])),
        "CreatedBy": Field("CREATED BY", created_by),
    }


def _files(files: list[Document]) -> str:
    return "".join(
        f"{MARKS[file['Change']]} {quantities.format_bytes(file['Size']):>10} /{file['Path']}\n"
        for file in files
    )
