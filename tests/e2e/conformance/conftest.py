"""The same requests to a reference engine and to ours: what differs is told.

LADING_TEST_PEER (`unix:///path`) names the reference, a dockerd 28 that has the image
LADING_TEST_PEER_IMAGE (busybox): the texts compared are of that generation, so a distribution's
older dockerd will not do, and the tests are skipped where none is named. They make containers with
the prefix `conf-` there, and remove them.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import socket
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.conftest import Engine

PEER = os.environ.get("LADING_TEST_PEER", "")
PEER_IMAGE = os.environ.get("LADING_TEST_PEER_IMAGE", "busybox")
PREFIX = "conf-"
_IDS = re.compile(r"[0-9a-f]{64}")


class Answer(NamedTuple):
    """Status, what was said, and the interesting headers."""

    status: int
    body: Any
    content_type: str


class Side:
    """One of the two engines."""

    def __init__(self, path: str, image: str) -> None:
        self._path = path
        self.image = image

    def ask(
        self, method: str, path: str, body: object = None, content_type: str = "application/json"
    ) -> Answer:
        """One request; IMAGE in path and body stands for the side's image."""
        connection = http.client.HTTPConnection("engine")
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(60)
        connection.sock.connect(self._path)
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        if data is not None:
            data = data.replace(b"IMAGE", self.image.encode())
        headers = {"Content-Type": content_type} if data and content_type else {}
        connection.request(method, path.replace("IMAGE", self.image), data, headers)
        answer = connection.getresponse()
        read = answer.read()
        connection.close()
        return Answer(answer.status, self._document(read), answer.headers.get("Content-Type", ""))

    def _document(self, data: bytes) -> Any:
        """JSON with ids and the image's name made the same on both sides."""
        text = _IDS.sub("ID", data.decode(errors="replace"))
        text = re.sub(rf"\b{self.image}\b", "IMAGE", text)
        try:
            return json.loads(text)
        except ValueError:
            return text

    def clear(self) -> None:
        """Remove what tests have made."""
        filters = json.dumps({"name": [f"^{PREFIX}"]})
        found = self.ask("GET", f"/containers/json?all=1&filters={quote(filters)}")
        for row in found.body:
            self.ask("POST", f"/containers{row['Names'][0]}/unpause")
            self.ask("DELETE", f"/containers{row['Names'][0]}?force=1&v=1")


class Pair(NamedTuple):
    """Both engines."""

    peer: Side
    ours: Side

    def ask(self, *request: Any) -> tuple[Answer, Answer]:
        return self.peer.ask(*request), self.ours.ask(*request)


@pytest.fixture(scope="module")
def pair(request: pytest.FixtureRequest) -> Iterator[Pair]:
    """Both engines with containers in every state: conf-created, -running, -paused, -exited."""
    if not PEER:
        pytest.skip("LADING_TEST_PEER names no reference engine")
    engine: Engine = request.getfixturevalue("engine")
    both = Pair(Side(PEER.removeprefix("unix://"), PEER_IMAGE), Side(engine.socket, "base"))
    for side in both:
        side.clear()
        for name in ("created", "running", "paused", "exited"):
            command = ["true"] if name == "exited" else ["sleep", "1000"]
            asked = {"Image": "IMAGE", "Cmd": command, "StopSignal": "KILL"}
            assert side.ask("POST", f"/containers/create?name={PREFIX}{name}", asked).status == 201
            if name != "created":
                assert side.ask("POST", f"/containers/{PREFIX}{name}/start").status == 204
        side.ask("POST", f"/containers/{PREFIX}paused/pause")
        side.ask("POST", f"/containers/{PREFIX}exited/wait")
    yield both
    for side in both:
        side.clear()
