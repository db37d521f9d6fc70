"""From the words of the command line to an exit code.

    global flags -> the command's file -> its `run(session, words)` -> messages, exit code

The way of every day (`lading ps ...`) loads nothing but the command's own file.
"""

from __future__ import annotations

import os
import sys

from lading.cli import failures, index
from lading.errors import LadingError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Protocol

    from lading.cli.command import Command
    from lading.cli.session import Session

    class CommandModule(Protocol):
        COMMAND: Command
        run: Callable[[Session, Sequence[str]], int]


def main(words: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run one command line; everything that can go wrong becomes a message and a code."""
    try:
        code = _guarded(words, environ)
        sys.stdout.flush()
    except BrokenPipeError:
        _silence_stdout()
        return failures.BROKEN_PIPE
    except KeyboardInterrupt:
        return _flushed(failures.INTERRUPTED)
    except failures.Ended as ended:
        _say(ended.message)
        return _flushed(ended.code)
    return code


def _guarded(words: Sequence[str], environ: Mapping[str, str]) -> int:
    try:
        return _dispatch(list(words), environ)
    except failures.Failure as failure:
        _say(failure.message)
        return failure.code
    except LadingError as error:
        return _daemon_error(error, environ)
    except (failures.FlagError, failures.ArgumentError, failures.HelpWanted) as asked:
        return _explain(asked)


def _dispatch(words: list[str], environ: Mapping[str, str]) -> int:
    host = ""
    if not words or words[0].startswith("-"):
        from lading.cli import front

        asked = front.read_global_flags(words)
        if asked.code is not None:
            return asked.code
        host, words = asked.host, asked.rest
    name, *rest = words
    group = ""
    file = index.TOP.get(name)
    if file is None:
        members = index.GROUPS.get(name)
        if not members or not rest or rest[0] not in members:
            from lading.cli import front

            return front.group_or_unknown(name, rest)
        group, name, rest = name, rest[0], rest[1:]
        file = members[name]
    from lading.cli.session import Session

    try:
        return load(file).run(Session(environ, host=host, group=group), rest)
    except (failures.FlagError, failures.ArgumentError, failures.HelpWanted) as asked:
        asked.path = f"{group} {name}".strip()
        raise


def load(file: str) -> CommandModule:
    module: CommandModule = __import__(f"lading.cli.commands.{file}", fromlist=["run"])
    return module


def _daemon_error(error: LadingError, environ: Mapping[str, str]) -> int:
    from lading.sdk.errors import ConnectionFailed

    _say(str(error))
    if isinstance(error, ConnectionFailed):
        _say(f"cause: {error.error.strerror or error.error}")
        if not isinstance(error.error, PermissionError):
            _say(
                "hint: start the engine with `ladingd`, or name another one with -H or LADING_HOST"
            )
    return 1


def _explain(
    asked: failures.FlagError | failures.ArgumentError | failures.HelpWanted,
) -> int:
    from lading.cli import front

    return front.explain(asked)


def _say(message: str) -> None:
    if message:
        sys.stderr.write(message + "\n")


def _flushed(code: int) -> int:
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _silence_stdout()
    return code


def _silence_stdout() -> None:
    """The reader went away: what is still buffered must not fail again when Python ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
