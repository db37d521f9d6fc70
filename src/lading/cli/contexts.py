"""Contexts: engines by name. The layout on disk is Docker's, and Docker's own are seen, too.

    contexts/meta/<sha256 of the name>/meta.json    {"Name", "Metadata", "Endpoints": {"docker"}}
    contexts/tls/<the same>/docker/{ca,cert,key}.pem

New ones are written beside our config.json, and only those are changed or removed.
"""

from __future__ import annotations

import os

from lading.cli import config
from lading.cli.failures import Failure
from lading.sdk import json_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from lading.sdk.request import Document

DEFAULT = "default"
TLS_FILES = {"ca": "ca.pem", "cert": "cert.pem", "key": "key.pem"}
_FIRST = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
_REST = _FIRST | frozenset("_.+-")
_RULE = '"^[a-zA-Z0-9][a-zA-Z0-9_.+-]+$"'


class Context:
    """`tls` are paths of files by the names of TLS_FILES; `is_own`: in our directory."""

    def __init__(self, document: Document, directory: str, *, is_own: bool) -> None:
        self.name: str = document["Name"]
        self.description: str = (document.get("Metadata") or {}).get("Description") or ""
        endpoint = (document.get("Endpoints") or {}).get("docker") or {}
        self.host: str = endpoint.get("Host") or ""
        self.skip_tls_verify: bool = bool(endpoint.get("SkipTLSVerify"))
        self.meta_path = f"{directory}/contexts/meta/{digest(self.name)}"
        self.tls_path = f"{directory}/contexts/tls/{digest(self.name)}"
        self.is_own = is_own

    def document(self) -> Document:
        """As meta.json has it."""
        return {
            "Name": self.name,
            "Metadata": {"Description": self.description} if self.description else {},
            "Endpoints": {"docker": {"Host": self.host, "SkipTLSVerify": self.skip_tls_verify}},
        }

    def tls(self) -> dict[str, str]:
        paths = {key: f"{self.tls_path}/docker/{file}" for key, file in TLS_FILES.items()}
        return {key: path for key, path in paths.items() if os.path.exists(path)}


def digest(name: str) -> str:
    import hashlib

    return hashlib.sha256(name.encode()).hexdigest()


def check_name(name: str) -> None:
    if name == DEFAULT:
        raise Failure('"default" is a reserved context name')
    if len(name) < 2 or name[0] not in _FIRST or not _REST.issuperset(name):
        raise Failure(
            f'context name "{name}" is invalid, names are validated against regexp {_RULE}'
        )


class Store:
    """All contexts that there are for this user."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._own = config.own_directory(environ)
        self._others = config.docker_directory(environ)

    def find(self, name: str) -> Context | None:
        for directory in (self._own, self._others):
            path = f"{directory}/contexts/meta/{digest(name)}/meta.json"
            try:
                with open(path, encoding="utf-8") as file:
                    document = json_text.loads(file.read())
            except FileNotFoundError:
                continue
            except (OSError, ValueError) as error:
                raise Failure(f'context "{name}": {path}: {error}') from error
            return Context(document, directory, is_own=directory == self._own)
        return None

    def get(self, name: str) -> Context:
        """Raises Failure with Docker's words."""
        found = self.find(name)
        if found is None:
            path = f"{self._own}/contexts/meta/{digest(name)}/meta.json"
            raise Failure(
                f'context "{name}": context not found: open {path}: no such file or directory'
            )
        return found

    def all(self) -> list[Context]:
        """Those that can be read, by name; ours hide Docker's of the same name."""
        found: dict[str, Context] = {}
        for directory in (self._others, self._own):
            meta = f"{directory}/contexts/meta"
            for entry in os.listdir(meta) if os.path.isdir(meta) else []:
                try:
                    with open(f"{meta}/{entry}/meta.json", encoding="utf-8") as file:
                        document = json_text.loads(file.read())
                    context = Context(document, directory, is_own=directory == self._own)
                except (OSError, ValueError, KeyError, AttributeError):
                    continue
                found[context.name] = context
        return [found[name] for name in sorted(found)]

    def save(self, document: Document, tls: Mapping[str, bytes]) -> Context:
        """Write a context, with the files' contents. An existing one is replaced."""
        context = Context(document, self._own, is_own=True)
        folder = f"{context.tls_path}/docker"
        for key, data in tls.items():
            _write(f"{folder}/{TLS_FILES[key]}", data, 0o600)
        for key, path in context.tls().items():
            if key not in tls:
                os.unlink(path)
        data = json_text.dumps(context.document(), ascii=False).encode()
        _write(f"{context.meta_path}/meta.json", data, 0o644)
        return context

    def remove(self, context: Context) -> None:
        import shutil

        if not context.is_own:
            raise Failure(
                f'context "{context.name}" is docker\'s own: docker context rm removes it'
            )
        shutil.rmtree(context.meta_path)
        shutil.rmtree(context.tls_path, ignore_errors=True)


def _write(path: str, data: bytes, mode: int) -> None:
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    descriptor = os.open(f"{path}.part", os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
    with open(descriptor, "wb") as file:
        file.write(data)
    os.rename(f"{path}.part", path)
