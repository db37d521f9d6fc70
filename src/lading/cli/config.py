"""What the user has written down: our own config.json, and Docker's, which is only read.

Ours is in $LADING_CONFIG, else in lading/ of the XDG configuration directory. Docker's is in
$DOCKER_CONFIG or ~/.docker. A file that is not there is empty; one that is no JSON is an error.
"""

from __future__ import annotations

import os

from lading.cli.failures import Failure
from lading.sdk import json_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from lading.sdk.request import Document

FILE = "config.json"
CURRENT_CONTEXT = "currentContext"


def own_directory(environ: Mapping[str, str]) -> str:
    asked = environ.get("LADING_CONFIG")
    if asked:
        return asked
    base = environ.get("XDG_CONFIG_HOME") or f"{environ.get('HOME') or '/root'}/.config"
    return f"{base}/lading"


def docker_directory(environ: Mapping[str, str]) -> str:
    return environ.get("DOCKER_CONFIG") or f"{environ.get('HOME') or '/root'}/.docker"


def read(directory: str) -> Document:
    """Raises Failure when the file cannot be understood."""
    path = f"{directory}/{FILE}"
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise Failure(f"{path}: {(error.strerror or '').lower()}") from error
    try:
        document = json_text.loads(text) if text.strip() else {}
    except ValueError as error:
        raise Failure(f"{path} is not JSON: {error}") from error
    return document if isinstance(document, dict) else {}


def write(directory: str, document: Document) -> None:
    """The whole file at once, so that a reader never sees half of it."""
    import json

    os.makedirs(directory, mode=0o700, exist_ok=True)
    part = f"{directory}/{FILE}.{os.getpid()}"
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with open(descriptor, "w", encoding="utf-8") as file:
        file.write(json.dumps(document, indent="\t", ensure_ascii=False) + "\n")
        file.flush()
        os.fsync(descriptor)
    os.rename(part, f"{directory}/{FILE}")


def current_context(environ: Mapping[str, str]) -> str:
    """What `context use` chose; empty when nothing was."""
    return str(read(own_directory(environ)).get(CURRENT_CONTEXT) or "")


def choose_context(environ: Mapping[str, str], name: str) -> None:
    directory = own_directory(environ)
    document = read(directory)
    document.pop(CURRENT_CONTEXT, None)
    if name:
        document[CURRENT_CONTEXT] = name
    write(directory, document)
