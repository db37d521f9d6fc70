"""`lading exec`: another program inside a running container."""

from __future__ import annotations

import sys

from lading.cli import attached, creating
from lading.cli.command import Command
from lading.cli.container_flags import ENV
from lading.cli.create_request import environment
from lading.cli.failures import Failure
from lading.cli.flags import BOOL, LIST, STRING, Flag
from lading.cli.parser import Arguments, parse
from lading.cli.terminal import size
from lading.sdk import execs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lading.cli.session import Session
    from lading.sdk.request import Document

COMMAND = Command(
    "exec",
    "[OPTIONS] CONTAINER COMMAND [ARG...]",
    "Execute a command in a running container",
    (
        Flag("detach", "d", BOOL, "Detached mode: run command in the background"),
        Flag("detach-keys", "", STRING, "Override the key sequence for detaching a container"),
        Flag("env", "e", ENV, "Set environment variables"),
        Flag("env-file", "", LIST, "Read in a file of environment variables"),
        Flag("interactive", "i", BOOL, "Keep STDIN open even if not attached"),
        Flag("privileged", "", BOOL, "Give extended privileges to the command"),
        Flag("tty", "t", BOOL, "Allocate a pseudo-TTY"),
        Flag("user", "u", STRING, 'Username or UID (format: "<name|uid>[:<group|gid>]")'),
        Flag("workdir", "w", STRING, "Working directory inside the container"),
    ),
    least=2,
    interspersed=False,
    aliases=("container exec", "exec"),
)


class ExecArguments(Arguments):
    detach: bool
    detach_keys: str
    env: list[str]
    env_file: list[str]
    interactive: bool
    privileged: bool
    tty: bool
    user: str
    workdir: str


def run(session: Session, words: Sequence[str]) -> int:
    args = parse(words, COMMAND, ExecArguments())
    if not args.detach:
        attached.check_terminal(stdin=args.interactive, tty=args.tty)
    try:
        document = to_exec_request(args, session.environ)
    except ValueError as error:
        raise Failure(f"lading: {error}", 125) from error
    exec_id = session.run(execs.create(args.words[0], document))
    if args.detach:
        session.run(execs.start_detached(exec_id, {"Detach": True, "Tty": args.tty}))
        return 0
    return _talk(session, args, exec_id)


def to_exec_request(args: ExecArguments, environ: Mapping[str, str]) -> Document:
    """What the words mean. Raises ValueError."""
    document: Document = {
        "Cmd": args.words[1:],
        "Env": environment(args.env_file, args.env, environ, creating.read_text),
        "User": args.user,
        "WorkingDir": args.workdir,
        "Privileged": args.privileged,
        "Tty": args.tty,
        "Detach": args.detach,
        "DetachKeys": args.detach_keys,
        "AttachStdin": args.interactive and not args.detach,
        "AttachStdout": not args.detach,
        "AttachStderr": not args.detach,
        "ConsoleSize": _console_size(args),
    }
    return {key: value for key, value in document.items() if value}


def _console_size(args: ExecArguments) -> list[int]:
    """The terminal's, so that the program starts with it."""
    measured = size(1) if args.tty else (0, 0)
    return list(measured) if all(measured) else []


def _talk(session: Session, args: ExecArguments, exec_id: str) -> int:
    start: Document = {"Detach": False, "Tty": args.tty}
    if _console_size(args):
        start["ConsoleSize"] = _console_size(args)
    stream = session.run(execs.start(exec_id, start))
    outcome = attached.converse(
        stream,
        tty=args.tty,
        stdin=args.interactive,
        detach_keys=args.detach_keys,
        resize=attached.resizer(
            session, lambda rows, columns: execs.resize(exec_id, height=rows, width=columns)
        ),
    )
    sys.stdout.flush()
    if outcome.is_detached:
        return 0
    code: int | None = session.run(execs.inspect(exec_id)).get("ExitCode")
    return code or 0
