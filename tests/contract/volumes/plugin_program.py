"""A volume plugin, as small as one can be: `python plugin_program.py SOCKET DIRECTORY [hang VERB]`.

Volumes are directories; who has one mounted is counted in a file, so that tests can look. With
`hang` a verb is never answered. Docker volume plugin protocol, version 1.
"""

import json
import os
import socketserver
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any

SOCKET, ROOT = sys.argv[1:3]
HANGS = sys.argv[4] if sys.argv[3:] else ""
CALLS = f"{ROOT}/.calls"


def create(asked: dict[str, Any]) -> dict[str, Any]:
    if "refuse" in (asked.get("Opts") or {}):
        raise ValueError(asked["Opts"]["refuse"])
    os.makedirs(f"{ROOT}/{asked['Name']}", exist_ok=True)
    return {}


def remove(asked: dict[str, Any]) -> dict[str, Any]:
    place = f"{ROOT}/{asked['Name']}"
    for name in os.listdir(place):
        os.unlink(f"{place}/{name}")
    os.rmdir(place)
    return {}


def mount(asked: dict[str, Any]) -> dict[str, Any]:
    place = f"{ROOT}/{asked['Name']}"
    os.listdir(place)
    return {"Mountpoint": place}


def nothing(asked: dict[str, Any]) -> dict[str, Any]:
    return {}


def get(asked: dict[str, Any]) -> dict[str, Any]:
    os.listdir(f"{ROOT}/{asked['Name']}")
    status = {"Kept": "well"}
    return {"Volume": {"Name": asked["Name"], "Mountpoint": "", "Status": status}}


def list_(asked: dict[str, Any]) -> dict[str, Any]:
    return {"Volumes": [{"Name": name} for name in os.listdir(ROOT) if name[0] != "."]}


VERBS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "/Plugin.Activate": lambda asked: {"Implements": ["VolumeDriver"]},
    "/VolumeDriver.Create": create,
    "/VolumeDriver.Remove": remove,
    "/VolumeDriver.Mount": mount,
    "/VolumeDriver.Unmount": nothing,
    "/VolumeDriver.Path": mount,
    "/VolumeDriver.Get": get,
    "/VolumeDriver.List": list_,
    "/VolumeDriver.Capabilities": lambda asked: {"Capabilities": {"Scope": "global"}},
}


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        asked = json.loads(body or b"{}")
        with open(CALLS, "a") as file:
            file.write(json.dumps([self.path.rpartition(".")[2], asked]) + "\n")
        if HANGS and self.path.endswith(f".{HANGS}"):
            threading.Event().wait()
        try:
            answer, status = VERBS[self.path](asked), 200
        except (OSError, ValueError, KeyError) as error:
            answer, status = {"Err": str(error)}, 500
        data = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/vnd.docker.plugins.v1.2+json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def address_string(self) -> str:
        return "unix"

    def log_message(self, format: str, *arguments: object) -> None: ...


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


os.makedirs(ROOT, exist_ok=True)
open(CALLS, "a").close()
Server(SOCKET, Handler).serve_forever()
