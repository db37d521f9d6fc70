"""`lading context export`: a context as a file, with its keys."""

from __future__ import annotations

import io
import os
import sys

from lading.cli.command import Command
from lading.cli.contexts import TLS_FILES, Store
from lading.cli.failures import Failure
from lading.cli.parser import Arguments, parse
from lading.sdk import json_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lading.cli.session import Session

COMMAND = Command(
    "context export",
    "CONTEXT [FILE|-]",
    "Export a context to a tar archive FILE or a tar stream on STDOUT",
    least=1,
    most=2,
)


def run(session: Session, words: Sequence[str]) -> int:
    args = parse(words, COMMAND, Arguments())
    name = args.words[0]
    context = Store(session.environ).get(name)
    members = {"meta.json": json_text.dumps(context.document(), ascii=False).encode()}
    for key, path in context.tls().items():
        with open(path, "rb") as file:
            members[f"tls/docker/{TLS_FILES[key]}"] = file.read()
    archive = _archive(members)
    target = args.words[1] if len(args.words) > 1 else f"{name}.dockercontext"
    if target == "-":
        if sys.stdout.isatty():
            raise Failure("cowardly refusing to export to a terminal, specify a file path")
        sys.stdout.buffer.write(archive)
        return 0
    try:
        # the archive holds a private key
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        descriptor = os.open(target, flags, 0o600)
    except OSError as error:
        raise Failure(f"open {target}: {(error.strerror or '').lower()}") from error
    with open(descriptor, "wb") as file:
        file.write(archive)
    sys.stderr.write(f'Written file "{target}"\n')
    return 0


def _archive(members: dict[str, bytes]) -> bytes:
    import tarfile

    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            info.mode = 0o644 if name == "meta.json" else 0o600
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()
