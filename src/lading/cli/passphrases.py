"""Where the passphrase of an encrypted backup comes from: a file, or the terminal."""

from __future__ import annotations

import os

from lading.cli.failures import Failure


def read(path: str, *, confirm: bool = False) -> bytes:
    """The first line of the file; without one it is asked for. Raises Failure."""
    if path:
        try:
            with open(path, "rb") as file:
                found = file.readline().rstrip(b"\r\n")
        except OSError as error:
            raise Failure(f"cannot read {path}: {(error.strerror or '').lower()}") from error
    else:
        found = _asked("Passphrase: ")
        if confirm and found != _asked("The same again: "):
            raise Failure("the passphrases differ")
    if not found:
        raise Failure("the passphrase is empty")
    return found


def _asked(prompt: str) -> bytes:
    import getpass

    try:
        return os.fsencode(getpass.getpass(prompt))
    except (EOFError, OSError) as error:
        raise Failure("no terminal to ask for the passphrase: use --passphrase-file") from error
