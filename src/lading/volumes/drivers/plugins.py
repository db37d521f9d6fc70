"""Docker's volume plugins: programs that listen on a socket; found, activated, and spoken to.

    /run/docker/plugins/NAME.sock            listens there (also NAME/NAME.sock)
    /etc/docker/plugins/NAME.spec            one line, its address: unix:///path or tcp://host:port
    /etc/docker/plugins/NAME.json            {"Addr": "https://host:port", "TLSConfig": {...}}
    /usr/lib/docker/plugins/NAME.{spec,json} the same

Source: docs.docker.com, "Docker Plugin API", protocol version 1.
"""

import http.client
import json
import os
import socket
import ssl
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from lading.volumes.drivers.plugin import Connect, Plugin
from lading.volumes.record import DriverFailed

SOCKETS = "/run/docker/plugins"
SPECIFICATIONS = ("/etc/docker/plugins", "/usr/lib/docker/plugins")


class NotAVolumePlugin(DriverFailed):
    """plugin {1}: {2}"""


class Plugins:
    """Where plugins are looked for."""

    def __init__(
        self, sockets: str = SOCKETS, specifications: tuple[str, ...] = SPECIFICATIONS
    ) -> None:
        self._sockets = sockets
        self._specifications = specifications

    def names(self) -> list[str]:
        """Every plugin that is there."""
        found = set()
        for directory in (self._sockets, *self._specifications):
            for entry in _entries(directory):
                name, dot, kind = entry.rpartition(".")
                if dot and kind in ("sock", "spec", "json"):
                    found.add(name)
                elif os.path.exists(f"{directory}/{entry}/{entry}.sock"):
                    found.add(entry)
        return sorted(found)

    def has(self, name: str) -> bool:
        """Whether there is a plugin of that name."""
        return next(self._places(name), None) is not None

    def open(self, name: str) -> Plugin:
        """Activate the plugin. Raises NotAVolumePlugin, DriverFailed, OSError."""
        for path in self._places(name):
            plugin = Plugin(name, _connect(name, path))
            implemented = plugin.activate()
            if "VolumeDriver" not in implemented:
                told = f"does not implement VolumeDriver, but {', '.join(implemented) or 'nothing'}"
                raise NotAVolumePlugin("activate", name, told)
            return plugin
        raise NotAVolumePlugin("activate", name, "not found")

    def _places(self, name: str) -> Iterator[str]:
        if "/" in name or name in ("", ".", ".."):
            return
        yield from filter(
            os.path.exists, (f"{self._sockets}/{name}.sock", f"{self._sockets}/{name}/{name}.sock")
        )
        for directory in self._specifications:
            for kind in ("spec", "json"):
                if os.path.exists(f"{directory}/{name}.{kind}"):
                    yield f"{directory}/{name}.{kind}"


def _entries(directory: str) -> list[str]:
    try:
        return os.listdir(directory)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return []


def _connect(name: str, path: str) -> Connect:
    """How to reach the plugin whose socket or specification is at that path."""
    if path.endswith(".sock"):
        return lambda timeout_s: _Unix(path, timeout_s)
    with open(path, encoding="utf-8") as file:
        text = file.read(1 << 16)
    tls: Mapping[str, Any] = {}
    address = text.strip()
    if path.endswith(".json"):
        try:
            document = json.loads(text)
            address, tls = document["Addr"], document.get("TLSConfig") or {}
        except (ValueError, KeyError, AttributeError, TypeError) as error:
            raise NotAVolumePlugin("activate", name, f"{path}: {error}") from error
    return _connect_to(name, address, tls)


def _connect_to(name: str, address: str, tls: Mapping[str, Any]) -> Connect:
    parts = urlsplit(address if "://" in address else f"tcp://{address}")
    if parts.scheme == "unix":
        return lambda timeout_s: _Unix(parts.path, timeout_s)
    host, port = parts.hostname or "", parts.port or 80
    if parts.scheme == "https" or (parts.scheme == "tcp" and tls):
        context = ssl.create_default_context(cafile=tls.get("CAFile") or None)
        if tls.get("CertFile"):
            context.load_cert_chain(tls["CertFile"], tls.get("KeyFile") or None)
        if tls.get("InsecureSkipVerify"):
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return lambda timeout_s: http.client.HTTPSConnection(
            host, parts.port or 443, timeout=timeout_s, context=context
        )
    if parts.scheme in ("tcp", "http"):
        return lambda timeout_s: http.client.HTTPConnection(host, port, timeout=timeout_s)
    raise NotAVolumePlugin("activate", name, f"unknown address: {address}")


class _Unix(http.client.HTTPConnection):
    """HTTP to a unix socket."""

    def __init__(self, path: str, timeout_s: float) -> None:
        super().__init__("plugin", timeout=timeout_s)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)
