"""`lading cp`: files and directories between a container and this machine."""

from __future__ import annotations

import os
import posixpath
import sys

from lading import quantities
from lading.cli.command import Command
from lading.cli.copying import paths
from lading.cli.copying.paths import Place
from lading.cli.failures import Failure
from lading.cli.flags import BOOL, Flag
from lading.cli.parser import Arguments, parse
from lading.sdk import container_files
from lading.sdk.errors import ApiError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Protocol

    from lading.cli.session import Session
    from lading.sdk.client import RawStream
    from lading.sdk.request import Call, Document

    class Files(Protocol):
        """The files of something that has a name."""

        def stat(self, name: str, path: str) -> Call[Document]: ...
        def read_archive(self, name: str, path: str) -> Call[tuple[RawStream, Document]]: ...
        def write_archive(
            self, name: str, path: str, archive: Iterable[bytes], *, copy_owners: bool = False
        ) -> Call[None]: ...


COMMAND = Command(
    "cp",
    "[OPTIONS] CONTAINER:SRC_PATH DEST_PATH|-\n\tlading cp [OPTIONS] "
    "SRC_PATH|- CONTAINER:DEST_PATH",
    "Copy files/folders between a container and the local filesystem",
    (
        Flag("archive", "a", BOOL, "Archive mode (copy all uid/gid information)"),
        Flag("follow-link", "L", BOOL, "Always follow symbol link in SRC_PATH"),
        Flag("quiet", "q", BOOL, "Suppress progress output during copy"),
    ),
    least=2,
    most=2,
    aliases=("container cp", "cp"),
)


class CpArguments(Arguments):
    archive: bool
    follow_link: bool
    quiet: bool


def run(session: Session, words: Sequence[str]) -> int:
    return copy(session, parse(words, COMMAND, CpArguments()), container_files)


def copy(session: Session, args: CpArguments, files: Files) -> int:
    """`files` are the calls that read and write there."""
    if not all(args.words):
        which = "destination" if args.words[0] else "source"
        raise Failure(f"{which} can not be empty")
    source, source_path = paths.split_word(args.words[0])
    target, target_path = paths.split_word(args.words[1])
    if source and target:
        raise Failure("copying between containers is not supported")
    if not source and not target:
        raise Failure("must specify at least one container source")
    if source:
        size = _from_container(session, args, files, source, source_path, target_path)
        where = _absolute(target_path)
    else:
        size = _to_container(session, args, files, source_path, target, target_path)
        where = f"{target}:{target_path}"
    if target_path != "-" and not args.quiet and sys.stderr.isatty():
        sys.stderr.write(f"Successfully copied {quantities.format_bytes_3(size)} to {where}\n")
    return 0


def _absolute(path: str) -> str:
    return paths.keep_ending(path, os.path.abspath(path))


def _from_container(
    session: Session, args: CpArguments, files: Files, container: str, path: str, target: str
) -> int:
    if target != "-":
        target = _absolute(target)
        _check_output(target)
    name = ""
    if args.follow_link:
        path, name = _followed(session, files, container, path)
    stream, stat = session.run(files.read_archive(container, path))
    if target == "-":
        from lading.cli import conversation

        for chunk in stream.chunks():
            conversation.write(conversation.STDOUT, chunk)
        return 0
    from lading.cli.copying import unpack

    is_directory = bool(stat["mode"] & paths.GO_DIRECTORY)
    plan = paths.plan(Place(path, exists=True, is_directory=is_directory, name=name), ours(target))
    if name and plan.old == plan.new:  # into a directory, but under the name of the link
        plan = paths.Plan(plan.directory, paths.split_entry(path)[1], name)
    elif name:
        plan = paths.Plan(plan.directory, paths.split_entry(path)[1], plan.new)
    return unpack.unpack(stream, plan.directory, plan.rename)


def _check_output(path: str) -> None:
    directory = os.path.dirname(path.rstrip("/")) or "/"
    if not os.path.isdir(directory):
        raise Failure(f'invalid output path: directory "{directory}" does not exist')


def _followed(session: Session, files: Files, container: str, path: str) -> tuple[str, str]:
    """Where a link in the container leads, and the name that it gives what is there."""
    try:
        stat = session.run(files.stat(container, path))
    except ApiError:
        return path, ""  # the copy will say what is wrong
    if not stat["mode"] & paths.GO_SYMLINK:
        return path, ""
    return _target(stat, path), paths.split_entry(path)[1]


def _target(stat: Document, path: str) -> str:
    return posixpath.join(posixpath.dirname(path), stat["linkTarget"])


def ours(path: str) -> Place:
    """A destination on this machine; links lead on, as they do for cp."""
    real = paths.keep_ending(path, os.path.realpath(path))
    exists = os.path.lexists(real.rstrip("/") or "/")
    return Place(real, exists=exists, is_directory=os.path.isdir(real))


def _to_container(
    session: Session, args: CpArguments, files: Files, path: str, container: str, target: str
) -> int:
    destination = _theirs(session, files, container, target)
    counter = _Counter()
    if path == "-":
        if not destination.is_directory:
            raise Failure(f'destination "{container}:{target}" must be a directory')
        pieces: Iterator[bytes] = iter(lambda: os.read(0, 64 * 1024), b"")
        directory = destination.path
    else:
        from lading.cli.copying import pack

        source = _source(path, follow=args.follow_link)
        plan = paths.plan(source, destination)
        base = source.name or paths.split_entry(path)[1]
        pieces = pack.pack(source.path, base, plan.rename)
        directory = plan.directory
    session.run(
        files.write_archive(container, directory, counter.count(pieces), copy_owners=args.archive)
    )
    return counter.size


def _theirs(session: Session, files: Files, container: str, path: str) -> Place:
    """A destination in the container; a link leads on, once."""
    try:
        stat = session.run(files.stat(container, path))
        if stat["mode"] & paths.GO_SYMLINK:
            path = _target(stat, path)
            stat = session.run(files.stat(container, path))
    except ApiError:
        return Place(path)
    return Place(path, exists=True, is_directory=bool(stat["mode"] & paths.GO_DIRECTORY))


def _source(path: str, *, follow: bool) -> Place:
    """A file or tree of ours. `-L`, a slash at the end, or `/.` follow a link."""
    absolute = _absolute(path)
    bare = absolute.rstrip("/") or "/"
    try:
        os.lstat(bare)
    except OSError as error:
        raise Failure(f"lstat {bare}: {(error.strerror or '').lower()}") from error
    name = paths.split_entry(path)[1] if not paths.means_content(path) else "."
    if name in ("..", "/") or path in (".", ".."):
        name = os.path.basename(bare) if path != "." else "."
    real = os.path.realpath(bare) if follow or paths.asserts_directory(path) else bare
    is_directory = os.path.isdir(real) and not (os.path.islink(real))
    if paths.asserts_directory(path) and not is_directory:
        raise Failure("not a directory")
    return Place(real, exists=True, is_directory=is_directory, name=name)


class _Counter:
    """Bytes that went by."""

    def __init__(self) -> None:
        self.size = 0

    def count(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            self.size += len(piece)
            yield piece
