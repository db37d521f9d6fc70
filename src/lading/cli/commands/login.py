"""`lading login`: remember who we are at a registry, once it has accepted that."""

from __future__ import annotations

import os
import sys

from lading.cli.command import Command
from lading.cli.docker_config import HUB, DockerConfig, key_of
from lading.cli.failures import Failure
from lading.cli.flags import BOOL, STRING, Flag
from lading.cli.parser import Arguments, parse
from lading.sdk import images

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lading.cli.session import Session
    from lading.sdk.request import Document

COMMAND = Command(
    "login",
    "[OPTIONS] [SERVER]",
    "Authenticate to a registry",
    (
        Flag("password", "p", STRING, "Password or Personal Access Token (PAT)"),
        Flag("password-stdin", "", BOOL, "Take the Password or PAT from stdin"),
        Flag("username", "u", STRING, "Username"),
    ),
    most=1,
)


class LoginArguments(Arguments):
    password: str
    password_stdin: bool
    username: str


def run(session: Session, words: Sequence[str]) -> int:
    args = parse(words, COMMAND, LoginArguments())
    key = key_of(args.words[0]) if args.words else HUB
    config = DockerConfig(session.environ)
    known = {} if args.username else config.credentials(key)
    auth = known if known.get("identitytoken") or known.get("password") else _ask(args, key)
    answer = session.run(images.login(auth))
    if answer.get("IdentityToken"):
        auth = {**auth, "password": "", "identitytoken": answer["IdentityToken"]}
    readable = config.keep(key, auth)
    if readable:
        sys.stderr.write(
            f"\nWARNING! Your credentials are stored unencrypted in '{readable}'.\n"
            "Configure a credential helper to remove this warning. See\n"
            "https://docs.docker.com/go/credential-store/\n\n"
        )
    sys.stdout.write(f"{answer.get('Status') or 'Login Succeeded'}\n")
    return 0


def _ask(args: LoginArguments, key: str) -> Document:
    password = args.password
    if args.password_stdin:
        if password:
            raise Failure("--password and --password-stdin are mutually exclusive")
        if not args.username:
            raise Failure("the --password-stdin option requires the --username option")
        password = _all_of_stdin().rstrip("\r\n")
    elif password:
        sys.stderr.write(
            "WARNING! Using --password via the CLI is insecure. Use --password-stdin.\n"
        )
    username = args.username or _line("Username: ")
    password = password or _secret("Password: ")
    if not username:
        raise Failure("username is empty")
    if not password:
        raise Failure("password is empty")
    return {"username": username, "password": password, "serveraddress": key}


def _line(prompt: str) -> str:
    if not sys.stdin.isatty():
        raise Failure("cannot perform an interactive login from a non-TTY device")
    sys.stdout.write(prompt)
    sys.stdout.flush()
    return sys.stdin.readline().strip()


def _secret(prompt: str) -> str:
    """A line of the terminal that is not shown while it is typed."""
    import termios

    if not sys.stdin.isatty():
        raise Failure("cannot perform an interactive login from a non-TTY device")
    before = termios.tcgetattr(0)
    silent = [*before]
    silent[3] &= ~termios.ECHO  # lflag, termios(3)
    termios.tcsetattr(0, termios.TCSAFLUSH, silent)
    try:
        return _line(prompt)
    finally:
        termios.tcsetattr(0, termios.TCSAFLUSH, before)
        sys.stdout.write("\n")


def _all_of_stdin() -> str:
    data = b""
    while chunk := os.read(0, 65536):
        data += chunk
    return data.decode()
