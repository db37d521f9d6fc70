"""`lading context import`: what `context export` wrote."""

from __future__ import annotations

import io
import sys

from lading.cli.command import Command
from lading.cli.contexts import TLS_FILES, Store, check_name
from lading.cli.failures import Failure
from lading.cli.parser import Arguments, parse
from lading.sdk import json_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lading.cli.session import Session

COMMAND = Command(
    "context import",
    "CONTEXT FILE|-",
    "Import a context from a tar or zip file",
    least=2,
    most=2,
)
MAX_SIZE = 10 * 1024 * 1024  # Docker's limit


def run(session: Session, words: Sequence[str]) -> int:
    name, path = parse(words, COMMAND, Arguments()).words
    check_name(name)
    store = Store(session.environ)
    if store.find(name):
        raise Failure(f'context "{name}" already exists')
    members = read(_read(path))
    try:
        document = json_text.loads(members["meta.json"])
        assert isinstance(document, dict)
    except (KeyError, ValueError, AssertionError) as error:
        raise Failure("invalid context: no metadata found") from error
    tls = {
        key: members[f"tls/docker/{file}"]
        for key, file in TLS_FILES.items()
        if f"tls/docker/{file}" in members
    }
    store.save(document | {"Name": name}, tls)
    sys.stdout.write(name + "\n")
    sys.stdout.flush()
    sys.stderr.write(f'Successfully imported context "{name}"\n')
    return 0


def _read(path: str) -> bytes:
    try:
        if path == "-":
            data = sys.stdin.buffer.read(MAX_SIZE + 1)
        else:
            with open(path, "rb") as file:
                data = file.read(MAX_SIZE + 1)
    except OSError as error:
        raise Failure(f"open {path}: {(error.strerror or '').lower()}") from error
    if len(data) > MAX_SIZE:
        raise Failure("the context is larger than 10 MiB")
    return data


def read(data: bytes) -> dict[str, bytes]:
    """Names and contents of a tar or zip archive's files; nothing is unpacked."""
    import tarfile
    import zipfile

    try:
        if data.startswith(b"PK"):
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                if sum(info.file_size for info in archive.infolist()) > MAX_SIZE:
                    raise Failure("the context is larger than 10 MiB")
                return {name: archive.read(name) for name in archive.namelist()}
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as tar:
            files = {info.name: tar.extractfile(info) for info in tar if info.isreg()}
            return {name: file.read() for name, file in files.items() if file}
    except (tarfile.TarError, zipfile.BadZipFile) as error:
        raise Failure(f"invalid context: {error}") from error
