"""`lading image copy`: between registries, archives and the engine's store, without unpacking.

docker://NAME      a registry        (what has no prefix is one, too)
archive:PATH       a tar archive, "-" is stdin or stdout
store:NAME         the engine's own images
"""

from __future__ import annotations

import os
import sys

from lading.cli import docker_config, platforms, progress, references
from lading.cli.command import Command
from lading.cli.commands.load import open_archive, pieces
from lading.cli.commands.save import write_all, write_file
from lading.cli.failures import Failure
from lading.cli.flags import BOOL, STRING, Flag
from lading.cli.parser import Arguments, parse
from lading.sdk import images

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lading.cli.session import Session
    from lading.sdk.client import RawStream

COMMAND = Command(
    "image copy",
    "[OPTIONS] SOURCE DESTINATION",
    "Copy an image between registries (docker://NAME), archives (archive:PATH) and store:NAME",
    (
        Flag("platform", "", STRING, "Copy one platform of the image, not the whole index"),
        Flag("quiet", "q", BOOL, "Suppress verbose output"),
    ),
    least=2,
    most=2,
)

REGISTRY, ARCHIVE, STORE = "docker://", "archive:", "store:"


class CopyArguments(Arguments):
    platform: str
    quiet: bool


def run(session: Session, words: Sequence[str]) -> int:
    args = parse(words, COMMAND, CopyArguments())
    source, target = _split(args.words[0]), _split(args.words[1])
    way = (source[0], target[0])
    if target[0] == REGISTRY:
        _to_registry(session, args, source, target[1])
    elif way == (REGISTRY, ARCHIVE):
        auth = docker_config.header_for(source[1], session.environ)
        _write(
            session.run(images.fetch_archive(source[1], platform=args.platform, auth=auth)),
            target[1],
        )
    elif way == (STORE, ARCHIVE):
        platform = platforms.to_json(args.platform)
        call = images.save([source[1]], platforms=[platform] if platform else [])
        _write(session.run(call), target[1])
    elif way in ((REGISTRY, STORE), (ARCHIVE, STORE)):
        _to_store(session, args, source, target[1])
    else:
        raise Failure(f"cannot copy {args.words[0]} to {args.words[1]}: use tag, or cp")
    return 0


def _split(text: str) -> tuple[str, str]:
    """(prefix, rest)."""
    for prefix in (REGISTRY, ARCHIVE, STORE):
        if text.startswith(prefix):
            return prefix, text[len(prefix) :]
    return REGISTRY, text


def _to_registry(
    session: Session, args: CopyArguments, source: tuple[str, str], target: str
) -> None:
    auth = docker_config.header_for(target, session.environ)
    if source[0] != ARCHIVE:
        own = docker_config.header_for(source[1], session.environ) if source[0] == REGISTRY else {}
        name = source[1] if source[0] == REGISTRY else STORE + source[1]
        call = images.copy(name, target, platform=args.platform, source_auth=own, auth=auth)
        _show(session, args, session.run(call))
        return
    descriptor = open_archive("" if source[1] == "-" else source[1])
    try:
        call = images.copy(
            "", target, archive=pieces(descriptor), platform=args.platform, auth=auth
        )
        _show(session, args, session.run(call))
    finally:
        os.close(descriptor)


def _to_store(session: Session, args: CopyArguments, source: tuple[str, str], target: str) -> None:
    if source[0] == REGISTRY:
        repository, tag = references.split(source[1])
        auth = docker_config.header_for(repository, session.environ)
        _show(
            session,
            args,
            session.run(images.pull(repository, tag, platform=args.platform, auth=auth)),
        )
        if references.complete(target) != references.complete(source[1]):
            to, to_tag = references.split(target)
            session.run(images.tag(source[1], repository=to, tag=to_tag))
        return
    descriptor = open_archive("" if source[1] == "-" else source[1])
    try:
        platform = platforms.to_json(args.platform) or ""
        stream = session.run(images.load(pieces(descriptor), quiet=args.quiet, platform=platform))
        loaded = ""
        for document in progress.documents(stream):
            text = str(document.get("stream") or "")
            if text.startswith("Loaded image"):
                loaded = text.partition(": ")[2].strip()
        to, to_tag = references.split(target)
        session.run(images.tag(loaded, repository=to, tag=to_tag))
    finally:
        os.close(descriptor)


def _show(session: Session, args: CopyArguments, stream: RawStream) -> None:
    if args.quiet:
        for _ in progress.documents(stream):
            pass
    else:
        progress.show(stream, sys.stdout, session.environ)


def _write(stream: RawStream, path: str) -> None:
    if path == "-":
        if sys.stdout.isatty():
            raise Failure("cowardly refusing to save to a terminal. Use a path or redirect")
        write_all(stream, 1)
    else:
        write_file(stream, path)
