"""`lading load`: images from an archive."""

from __future__ import annotations

import os
import sys

from lading.cli import platforms, progress
from lading.cli.command import Command
from lading.cli.failures import Failure
from lading.cli.flags import BOOL, STRING, Flag
from lading.cli.parser import Arguments, parse
from lading.sdk import images

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lading.cli.session import Session
    from lading.sdk.request import Document

COMMAND = Command(
    "load",
    "[OPTIONS]",
    "Load an image from a tar archive or STDIN",
    (
        Flag("input", "i", STRING, "Read from tar archive file, instead of STDIN"),
        Flag("platform", "", STRING, "Load only the given platform of the image"),
        Flag("quiet", "q", BOOL, "Suppress the load output"),
    ),
    most=0,
    aliases=("image load", "load"),
)

READ = 1 << 20


class LoadArguments(Arguments):
    input: str
    platform: str
    quiet: bool


def run(session: Session, words: Sequence[str]) -> int:
    args = parse(words, COMMAND, LoadArguments())
    descriptor = open_archive(args.input)
    try:
        call = images.load(
            pieces(descriptor), quiet=args.quiet, platform=platforms.to_json(args.platform) or ""
        )
        stream = session.run(call)
        if args.quiet:
            for document in progress.documents(stream):
                sys.stdout.write(_result(document))
        else:
            progress.show(stream, sys.stdout, session.environ)
    finally:
        os.close(descriptor)
    return 0


def open_archive(path: str) -> int:
    """A descriptor of the archive: the file's, or stdin's when there is no path."""
    if not path:
        if sys.stdin.isatty():
            raise Failure("requested load from stdin, but stdin is empty")
        return os.dup(0)
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise Failure(f"open {path}: {(error.strerror or '').lower()}") from error


def pieces(descriptor: int) -> Iterator[bytes]:
    while data := os.read(descriptor, READ):
        yield data


def _result(document: Document) -> str:
    """`Loaded image: x` is the answer, not progress."""
    text = str(document.get("stream") or "")
    return text if text.startswith("Loaded image") else ""
