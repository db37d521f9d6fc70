"""config.json, which Docker's tools share: who we are at each registry.

    {"auths": {"host:5000": {"auth": base64("name:password")}},      in the file itself
     "credsStore": "pass", "credHelpers": {"host": "gcloud"}}        or in a program's keeping

The file is rewritten whole and keeps what it does not understand. A helper has the first word for
its registry. Source: docker/cli, docs "docker login, Credential stores".
"""

from __future__ import annotations

import binascii
import os

from lading.cli.failures import Failure
from lading.sdk import json_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from lading.sdk.request import Document

HUB = "https://index.docker.io/v1/"  # how Docker Hub is called in the file
HUB_NAMES = ("", "docker.io", "index.docker.io", "registry-1.docker.io")


def directory(environ: Mapping[str, str]) -> str:
    """Where the file is: DOCKER_CONFIG, or ~/.docker."""
    home = environ.get("HOME") or "/root"
    return environ.get("DOCKER_CONFIG") or f"{home}/.docker"


def key_of(server: str) -> str:
    """The name of a registry in the file: a host, whatever form somebody typed."""
    rest = server.partition("://")[2] or server
    host = rest.partition("/")[0]
    return HUB if host in HUB_NAMES else host


def registry_of(reference: str) -> str:
    """The registry that an image's name means."""
    first, slash, _ = reference.partition("/")
    is_host = slash and ("." in first or ":" in first or first == "localhost")
    return key_of(first) if is_host else HUB


class DockerConfig:
    """The file, read once."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.path = f"{directory(environ)}/config.json"
        self.document = _read(self.path)

    def credentials(self, key: str) -> Document:
        """An AuthConfig; empty when nothing is known of that registry. Raises Failure."""
        helper = self._helper(key)
        if helper:
            from lading.cli import credential_helper

            return credential_helper.get(helper, key, self._environ)
        for name, entry in (self.document.get("auths") or {}).items():
            if key_of(name) == key:
                return _from_entry(entry) | {"serveraddress": key}
        return {}

    def keep(self, key: str, auth: Document) -> str | None:
        """Remember credentials; returns the file when they are readable in it."""
        helper = self._helper(key)
        if helper:
            from lading.cli import credential_helper

            credential_helper.store(helper, key, auth, self._environ)
            self.document.setdefault("auths", {})[key] = {}
        else:
            self.document.setdefault("auths", {})[key] = _to_entry(auth)
        self._write()
        return None if helper else self.path

    def forget(self, key: str) -> bool:
        """Remove what is known of a registry; whether there was something."""
        helper = self._helper(key)
        if helper:
            from lading.cli import credential_helper

            credential_helper.erase(helper, key, self._environ)
        auths = self.document.get("auths") or {}
        known = [name for name in auths if key_of(name) == key]
        for name in known:
            del auths[name]
        if known:
            self._write()
        return bool(known) or bool(helper)

    def _helper(self, key: str) -> str:
        helpers = self.document.get("credHelpers") or {}
        for name, helper in helpers.items():
            if key_of(name) == key:
                return str(helper)
        return str(self.document.get("credsStore") or "")

    def _write(self) -> None:
        folder = os.path.dirname(self.path)
        os.makedirs(folder, mode=0o700, exist_ok=True)
        temporary = f"{self.path}.{os.getpid()}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
        descriptor = os.open(temporary, flags, 0o600)
        try:
            os.write(descriptor, json_text.dumps(self.document).encode())
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.rename(temporary, os.path.realpath(self.path))  # the file may be a link into a vault


def header(auth: Document) -> dict[str, str]:
    """The X-Registry-Auth header: base64url of the AuthConfig."""
    text = binascii.b2a_base64(json_text.dumps(auth).encode(), newline=False).decode()
    return {"X-Registry-Auth": text.replace("+", "-").replace("/", "_")}


def header_for(reference: str, environ: Mapping[str, str]) -> dict[str, str]:
    """The header for an image's registry, with whatever is known of us there."""
    return header(DockerConfig(environ).credentials(registry_of(reference)))


def _read(path: str) -> Document:
    try:
        with open(path, encoding="utf-8") as file:
            document = json_text.loads(file.read().encode())
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError) as error:
        raise Failure(f"WARNING: Error loading config file: {path}: {error}") from error
    return document if isinstance(document, dict) else {}


def _from_entry(entry: Document) -> Document:
    auth: Document = {}
    if entry.get("auth"):
        try:
            pair = binascii.a2b_base64(entry["auth"]).decode()
        except (binascii.Error, UnicodeDecodeError) as error:
            raise Failure(f"invalid auth in config.json: {error}") from error
        auth["username"], _, auth["password"] = pair.partition(":")
    for name in ("identitytoken", "registrytoken", "username", "password"):
        if entry.get(name):
            auth[name] = entry[name]
    return auth


def _to_entry(auth: Document) -> Document:
    pair = f"{auth.get('username', '')}:{auth.get('password', '')}"
    if auth.get("identitytoken"):
        pair = f"{auth.get('username', '')}:"
    entry = {"auth": binascii.b2a_base64(pair.encode(), newline=False).decode()}
    if auth.get("identitytoken"):
        entry["identitytoken"] = auth["identitytoken"]
    return entry
