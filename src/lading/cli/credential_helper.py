"""Programs that keep credentials: `docker-credential-NAME get|store|erase` on stdin and stdout.

Source: docker-credential-helpers, README. Loaded only when config.json names a helper.
"""

from __future__ import annotations

import os
import subprocess

from lading.cli.failures import Failure
from lading.sdk import json_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from lading.sdk.request import Document

NOT_FOUND = "credentials not found in native keychain"
TOKEN_USER = "<token>"  # the name that says: the secret is an identity token


def get(helper: str, key: str, environ: Mapping[str, str]) -> Document:
    """An AuthConfig; empty when the helper knows nothing. Raises Failure."""
    code, output = _run(helper, "get", key, environ)
    if code:
        if NOT_FOUND in output:
            return {}
        raise Failure(f"error getting credentials - err: exit status {code}, out: `{output}`")
    try:
        found = json_text.loads(output.encode())
    except ValueError as error:
        raise Failure(f"docker-credential-{helper}: {error}") from error
    if found.get("Username") == TOKEN_USER:
        return {"identitytoken": found["Secret"], "serveraddress": key}
    return {
        "username": found.get("Username", ""),
        "password": found.get("Secret", ""),
        "serveraddress": key,
    }


def store(helper: str, key: str, auth: Document, environ: Mapping[str, str]) -> None:
    """Give credentials to the helper. Raises Failure."""
    token = auth.get("identitytoken")
    document = {
        "ServerURL": key,
        "Username": TOKEN_USER if token else auth.get("username", ""),
        "Secret": token or auth.get("password", ""),
    }
    code, output = _run(helper, "store", json_text.dumps(document), environ)
    if code:
        raise Failure(f"error storing credentials - err: exit status {code}, out: `{output}`")


def erase(helper: str, key: str, environ: Mapping[str, str]) -> None:
    """Let the helper forget. Raises Failure."""
    code, output = _run(helper, "erase", key, environ)
    if code and NOT_FOUND not in output:
        raise Failure(f"error erasing credentials - err: exit status {code}, out: `{output}`")


def _run(helper: str, verb: str, text: str, environ: Mapping[str, str]) -> tuple[int, str]:
    program = f"docker-credential-{helper}"
    try:
        done = subprocess.run(
            [program, verb],
            input=text.encode(),
            stdout=subprocess.PIPE,
            env=dict(environ) or dict(os.environ),
            check=False,
        )
    except OSError as error:
        raise Failure(
            f'error getting credentials - err: exec: "{program}": executable file not found in '
            "$PATH, out: ``"
        ) from error
    return done.returncode, done.stdout.decode(errors="replace").strip()
