"""Creating a container, with the pull that may come first: the shared half of `run`, `create`."""

from __future__ import annotations

import os
import sys

from lading import exit_codes
from lading.cli import progress, references
from lading.cli.create_request import to_create_request
from lading.cli.failures import USAGE_ERROR, Failure
from lading.cli.terminal import size
from lading.errors import LadingError
from lading.sdk import containers, images
from lading.sdk.errors import ApiError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TextIO

    from lading.cli.container_flags import CreateArguments
    from lading.cli.session import Session
    from lading.sdk.request import Document

PULL_POLICIES = ("always", "missing", "never")


def create(session: Session, args: CreateArguments) -> str:
    """The new container's id. Raises ValueError, Failure, LadingError."""
    _check(args)
    document = to_create_request(
        args, environ=session.environ, read_text=read_text, console_size=console_size(args)
    )
    image = args.words[0]
    if args.pull == "always":
        pull(session, image, args)
    try:
        created = _create(session, args, document)
    except ApiError as error:
        if error.status != 404 or "No such image" not in error.message or args.pull != "missing":
            raise
        if not args.quiet:
            sys.stderr.write(f"Unable to find image '{references.familiar(image)}' locally\n")
        pull(session, image, args)
        created = _create(session, args, document)
    for warning in created.get("Warnings") or []:
        sys.stderr.write(f"WARNING: {warning}\n")
    identity: str = created["Id"]
    if args.cidfile:
        _write_new(args.cidfile, identity)
    return identity


def _create(session: Session, args: CreateArguments, document: Document) -> Document:
    return session.run(containers.create(document, name=args.name, platform=args.platform))


def _check(args: CreateArguments) -> None:
    """What makes no sense together, before anything is pulled or made."""
    if args.pull not in PULL_POLICIES:
        raise ValueError(
            f'invalid pull option: \'{args.pull}\': must be one of "always", "missing" or "never"'
        )
    if args.rm and args.restart not in ("no", ""):
        raise ValueError("conflicting options: cannot specify both --restart and --rm")
    if args.cidfile and os.path.lexists(args.cidfile):
        raise ValueError(
            "container ID file found, make sure the other container isn't running or delete "
            + args.cidfile
        )


def _write_new(path: str, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)


def console_size(args: CreateArguments) -> tuple[int, int]:
    """The terminal's, so that the program starts with it; zeros without one."""
    return size(1) if args.tty else (0, 0)


def read_text(path: str) -> str:
    """A file that a flag names. Raises ValueError, for the flag is wrong."""
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except OSError as error:
        raise ValueError(f"open {path}: {(error.strerror or '').lower()}") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not UTF-8 text: {error}") from error


def pull(session: Session, image: str, args: CreateArguments) -> None:
    """Progress goes to stderr: stdout belongs to the container."""
    repository, tag = references.split(image)
    stream = session.run(images.pull(repository, tag, platform=args.platform))
    out: TextIO | None = None if args.quiet else sys.stderr
    if out:
        progress.show(stream, out, session.environ)
    else:
        for _ in progress.documents(stream):
            pass


def failure(error: Exception, command: str) -> Failure:
    """`run` says who failed, and ends with Docker's codes, by the engine's text.

    `create` does so only when the words were wrong: what the engine says of it is shown as it is.
    """
    message = error.message if isinstance(error, Failure) else str(error)
    hint = f"\n\nRun 'lading {command} --help' for more information"
    if isinstance(error, ValueError):
        return Failure(f"lading: {message}{hint}", USAGE_ERROR)
    if command == "create":
        return Failure(message)
    code = exit_codes.of_failed_start(message) or USAGE_ERROR
    return Failure(f"lading: {message}{hint}", code)


CREATING_ERRORS = (LadingError, ValueError, Failure)
