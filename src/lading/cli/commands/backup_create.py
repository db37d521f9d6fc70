"""`lading backup create`: a container and all that is in its volumes, as one archive."""

from __future__ import annotations

from lading.cli import output_file
from lading.cli.command import Command
from lading.cli.failures import Failure
from lading.cli.flags import BOOL, STRING, Flag
from lading.cli.parser import Arguments, parse
from lading.sdk import backups, execs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from lading.cli.session import Session

COMMAND = Command(
    "backup create",
    "[OPTIONS] CONTAINER",
    "Write a container and the content of its volumes to an archive",
    (
        Flag("encrypt", "e", BOOL, "Encrypt by a passphrase, in the format of age"),
        Flag("output", "o", STRING, "Write to a file, instead of STDOUT"),
        Flag("passphrase-file", "", STRING, "Read the passphrase from a file (implies --encrypt)"),
        Flag("pause", "p", BOOL, "Freeze the container and whoever has its volumes", default=True),
        Flag("post", "", STRING, "Run a command in the container afterwards (sh -c)"),
        Flag("pre", "", STRING, "Run a command in the container before (sh -c)"),
    ),
    least=1,
    most=1,
)


class CreateArguments(Arguments):
    encrypt: bool
    output: str
    passphrase_file: str
    pause: bool
    post: str
    pre: str


def run(session: Session, words: Sequence[str]) -> int:
    args = parse(words, COMMAND, CreateArguments())
    name = args.words[0]
    output_file.check(args.output, "back up")
    passphrase = b""
    if args.encrypt or args.passphrase_file:
        from lading.cli import passphrases

        passphrase = passphrases.read(args.passphrase_file, confirm=True)
    if args.pre:
        _hook(session, name, args.pre)
    try:
        # when the stream begins the copy is complete: what follows is only its way to us
        stream = session.run(backups.create(name, pause=args.pause))
    finally:
        if args.post:
            _hook(session, name, args.post)
    chunks: Iterable[bytes] = stream.chunks()
    if passphrase:
        from lading.cli import age

        chunks = age.encrypt(chunks, passphrase)
    output_file.write(args.output, chunks)
    return 0


def _hook(session: Session, container: str, command: str) -> None:
    """Run a command in the container, and wait. Raises Failure when it fails."""
    document = {"Cmd": ["sh", "-c", command], "AttachStdout": True, "AttachStderr": True}
    identity = session.run(execs.create(container, document))
    stream = session.run(execs.start(identity, {"Detach": False, "Tty": False}))
    output = b"".join(stream.chunks())
    code = session.run(execs.inspect(identity)).get("ExitCode")
    if code != 0:
        told = output[8:].decode(errors="replace").strip()
        raise Failure(f"{command!r} ended with {code}: {told}")
