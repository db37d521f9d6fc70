"""`lading images`: a table of images, a row per tag."""

from __future__ import annotations

import sys
import time

from lading import names, quantities
from lading.cli import format, timestamps
from lading.cli.command import Command
from lading.cli.flags import BOOL, Flag
from lading.cli.format import Field
from lading.cli.list_flags import FILTER_FLAG, FORMAT_FLAG, NO_TRUNC_FLAG
from lading.cli.parser import Arguments, parse
from lading.sdk import images

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lading.cli.session import Session
    from lading.sdk.request import Document

COMMAND = Command(
    "images",
    "[OPTIONS] [REPOSITORY[:TAG]]",
    "List images",
    (
        Flag("all", "a", BOOL, "Show all images (default hides intermediate images)"),
        Flag("digests", "", BOOL, "Show digests"),
        FILTER_FLAG,
        FORMAT_FLAG,
        NO_TRUNC_FLAG,
        Flag("quiet", "q", BOOL, "Only show image IDs"),
    ),
    most=1,
    aliases=("image ls", "image list", "images"),
)


class ImagesArguments(Arguments):
    all: bool
    digests: bool
    filter: dict[str, list[str]]
    format: str
    no_trunc: bool
    quiet: bool


NONE = "<none>"


def run(session: Session, words: Sequence[str]) -> int:
    args = parse(words, COMMAND, ImagesArguments())
    filters = dict(args.filter)
    if args.words:
        filters["reference"] = [*filters.get("reference", []), args.words[0]]
    call = images.list_(all=args.all, digests=args.digests, filters=filters)
    sys.stdout.write(render(session.run(call), args, time.time()))
    return 0


def render(found: Sequence[Document], args: ImagesArguments, now: float) -> str:
    wants_digests = args.digests or ".Digest" in args.format
    newest_first = sorted(found, key=lambda image: -image["Created"])
    rows = [row for image in newest_first for row in rows_of(image, with_digests=wants_digests)]
    if args.quiet and not args.format:
        shown = fields(now, args)["ID"]
        return "".join(f"{shown.value(row)}\n" for row in rows)
    digest = ("Digest",) if args.digests else ()
    columns = ("Repository", "Tag", *digest, "ID", "CreatedSince", "Size")
    return format.rows(
        rows, fields(now, args), args.format, columns, go_type="*formatter.imageContext"
    )


def rows_of(image: Document, *, with_digests: bool) -> list[Document]:
    """One document per tag; an image without one is a row of its own."""
    tags = [tag for tag in image.get("RepoTags") or [] if tag != f"{NONE}:{NONE}"]
    digests = [d for d in image.get("RepoDigests") or [] if d != f"{NONE}@{NONE}"]
    by_repository = {name: digest for name, _, digest in (d.partition("@") for d in digests)}
    rows: list[Document] = []
    for reference in tags:
        repository, _, tag = reference.rpartition(":")
        digest = by_repository.get(repository, NONE)
        rows.append(image | {"repository": repository, "tag": tag, "digest": digest})
    tagged = {row["repository"] for row in rows}
    for repository, digest in by_repository.items():
        if repository not in tagged and (with_digests or not rows):
            rows.append(image | {"repository": repository, "tag": NONE, "digest": digest})
    return rows or [image | {"repository": NONE, "tag": NONE, "digest": NONE}]


def fields(now: float, args: ImagesArguments) -> dict[str, Field]:
    """Every column of an image's row."""
    truncated = not args.no_trunc
    return {
        "Containers": Field("CONTAINERS", lambda i: _count(i.get("Containers"))),
        "CreatedAt": Field("CREATED AT", lambda i: timestamps.local(i["Created"])),
        "CreatedSince": Field("CREATED", lambda i: since(i["Created"], now)),
        "Digest": Field("DIGEST", lambda i: str(i["digest"])),
        "ID": Field("IMAGE ID", lambda i: names.short_id(i["Id"]) if truncated else i["Id"]),
        "Repository": Field("REPOSITORY", lambda i: str(i["repository"])),
        "SharedSize": Field("SHARED SIZE", lambda i: _bytes(i.get("SharedSize"))),
        "Size": Field("SIZE", lambda i: quantities.format_bytes_3(i["Size"])),
        "Tag": Field("TAG", lambda i: str(i["tag"])),
        "UniqueSize": Field("UNIQUE SIZE", _unique_size),
        "VirtualSize": Field("SIZE", lambda i: quantities.format_bytes(i["Size"])),
    }


def since(created: int, now: float) -> str:
    """An image of unknown date (the epoch, or Go's zero time) has no age."""
    return quantities.format_age(now - created) + " ago" if created > 0 else "N/A"


def _count(number: int | None) -> str:
    return "N/A" if number is None or number < 0 else str(number)


def _bytes(size: int | None) -> str:
    return "N/A" if size is None or size < 0 else quantities.format_bytes(size)


def _unique_size(image: Document) -> str:
    shared = image.get("SharedSize")
    return (
        "N/A" if shared is None or shared < 0 else quantities.format_bytes(image["Size"] - shared)
    )
