"""`lading save`: images into an archive."""

from __future__ import annotations

import os
import sys

from lading.cli import platforms
from lading.cli.command import Command
from lading.cli.failures import Failure
from lading.cli.flags import STRING, STRINGS, Flag
from lading.cli.parser import Arguments, parse
from lading.sdk import images

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lading.cli.session import Session
    from lading.sdk.client import RawStream

COMMAND = Command(
    "save",
    "[OPTIONS] IMAGE [IMAGE...]",
    "Save one or more images to a tar archive (streamed to STDOUT by default)",
    (
        Flag("output", "o", STRING, "Write to a file, instead of STDOUT"),
        Flag("platform", "", STRINGS, "Save only the given platform variant(s)"),
    ),
    least=1,
    aliases=("image save", "save"),
)


class SaveArguments(Arguments):
    output: str
    platform: list[str]


def run(session: Session, words: Sequence[str]) -> int:
    args = parse(words, COMMAND, SaveArguments())
    if not args.output and sys.stdout.isatty():
        raise Failure("cowardly refusing to save to a terminal. Use the -o flag or redirect")
    wanted = [platforms.to_json(text) or "" for text in args.platform]
    stream = session.run(images.save(args.words, platforms=wanted))
    if args.output:
        write_file(stream, args.output)
    else:
        write_all(stream, 1)
    return 0


def write_file(stream: RawStream, path: str) -> None:
    """The whole stream under that name, or nothing: it is renamed when it is complete."""
    if os.path.exists(path) and not os.path.isfile(path):
        descriptor = _open(path, os.O_WRONLY)  # a device or a pipe
        try:
            write_all(stream, descriptor)
        finally:
            os.close(descriptor)
        return
    temporary = f"{path}.{os.getpid()}.tmp"
    descriptor = _open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    try:
        write_all(stream, descriptor)
        os.rename(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
    finally:
        os.close(descriptor)


def write_all(stream: RawStream, descriptor: int) -> None:
    for chunk in stream.chunks():
        view = memoryview(chunk)
        while view:
            view = view[os.write(descriptor, view) :]


def _open(path: str, flags: int) -> int:
    try:
        return os.open(path, flags | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise Failure(f"failed to save image: {path}: {(error.strerror or '').lower()}") from error
