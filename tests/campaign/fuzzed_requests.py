"""Requests that make no sense, against a whole engine: no traceback, no hang, no server gone.

    PYTHONPATH=src python tests/campaign/fuzzed_requests.py [SECONDS] [SEED]

Three kinds in turn: bytes that are no HTTP, known paths with wrong queries and bodies, and torn
requests. Prints what was answered, and fails on any traceback in the engine's log, any `bug:`, and
any request that is neither answered nor cut within ten seconds.
"""

import collections
import importlib.util
import random
import socket
import sys
import time
from pathlib import Path
from typing import Any

WAIT_S = 10.0


def _words(text: str) -> list[str]:
    return text.split()


PATHS = _words("""
    GET /containers/json POST /containers/create GET /containers/{}/json POST
    /containers/{}/start POST /containers/{}/stop POST /containers/{}/kill POST
    /containers/{}/wait GET /containers/{}/logs POST /containers/{}/attach POST
    /containers/{}/resize POST /containers/{}/rename POST /containers/{}/update DELETE
    /containers/{} POST /containers/{}/exec POST /exec/{}/start GET /exec/{}/json GET
    /containers/{}/top GET /containers/{}/changes GET /containers/{}/stats GET
    /containers/{}/archive PUT /containers/{}/archive HEAD /containers/{}/archive POST /commit
    POST /containers/prune GET /images/json GET /images/{}/json GET /images/{}/history POST
    /images/create POST /images/load DELETE /images/{} POST /images/{}/tag GET /images/search
    GET /networks GET /networks/{} POST /networks/create DELETE /networks/{} POST
    /networks/{}/connect GET /volumes GET /volumes/{} POST /volumes/create DELETE /volumes/{}
    POST /volumes/prune GET /info GET /version GET /_ping GET /events GET /system/df POST
    /auth POST /build GET /lading/system/check
""")
KEYS = _words("""
    all limit size filters name platform t signal condition follow stdout stderr since until
    tail path fromImage tag repo force v link h w stream stdin logs detachKeys ps_args type
""")
VALUES = [
    "",
    "1",
    "0",
    "-1",
    "x",
    "9" * 30,
    "é",
    "%00",
    "{",
    "[]",
    "{}",
    "null",
    '{"a":1}',
    "../..",
]
VALUES += [
    '{"label":["a"]}',
    '{"status":{"x":true}}',
    "1.5",
    "\n",
    "a" * 5000,
    "sha256:x",
    "/",
    "../..",
]
NAMES = ["x", "..", "a/b", "%2e%2e", "sha256:" + "a" * 64, "-", "a" * 300, "é", "%00", "host"]
BODIES = [
    b"",
    b"{}",
    b"null",
    b"[]",
    b"{",
    b'{"Image":1}',
    b'{"Image":"x","HostConfig":{"Memory":"y"}}',
]
BODIES += [
    b'{"Image":"x","Cmd":{"a":[[[]]]}}',
    b"[" * 5000,
    b"\xff\xfe",
    b'{"a":' * 2000,
    b"0" * 70000,
]
BODIES += [b'{"Image":"nope","HostConfig":{"Binds":[null,1,"::"],"PortBindings":{"x":[{}]}}}']


def engine() -> Any:
    """The engine of the end-to-end tests."""
    path = Path(__file__).parents[1] / "e2e" / "conftest.py"
    specification = importlib.util.spec_from_file_location("e2e_conftest", path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module.Engine()


def request(chance: random.Random) -> bytes:
    kind = chance.random()
    if kind < 0.1:
        return bytes(chance.randrange(256) for _ in range(chance.randrange(400)))
    position = chance.randrange(len(PATHS) // 2) * 2
    method, path = PATHS[position], PATHS[position + 1].format(chance.choice(NAMES))
    if chance.random() < 0.1:
        method = chance.choice(["PATCH", "OPTIONS", "TRACE", "get", "GET", "POST", "DELETE"])
    query = "&".join(
        f"{chance.choice(KEYS)}={_quoted(chance.choice(VALUES))}"
        for _ in range(chance.randrange(4))
    )
    version = chance.choice(["", "/v1.51", "/v1.24", "/v1.99", "/v1", "/v1.40"])
    body = chance.choice(BODIES)
    length = chance.choice([len(body)] * 8 + [len(body) + 5, 0, -1])
    lines = [f"{method} {version}{_ascii(path)}?{query} HTTP/1.{chance.choice('1110')}", "Host: x"]
    lines += [f"Content-Length: {length}", "Connection: close"]
    if chance.random() < 0.8:
        lines.append(f"Content-Type: {chance.choice(['application/json', 'text/plain', 'x'])}")
    if chance.random() < 0.2:
        lines += ["Connection: Upgrade", "Upgrade: tcp"]
    data = "\r\n".join(lines).encode() + b"\r\n\r\n" + body
    return data[: chance.randrange(len(data))] if kind > 0.9 else data


def _quoted(text: str) -> str:
    return "".join(
        c if c.isalnum() and c.isascii() else f"%{b:02X}" for c in text for b in c.encode()
    )


def _ascii(text: str) -> str:
    return "".join(c if c.isascii() else _quoted(c) for c in text)


def send(path: str, data: bytes) -> str:
    """The status, "cut" or "hang"."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(WAIT_S)
        sock.connect(path)
        try:
            sock.sendall(data)
            sock.shutdown(socket.SHUT_WR)
            answer = sock.recv(4096)
        except TimeoutError:
            return "hang"
        except OSError:
            return "cut"
    return answer.split(b" ", 2)[1].decode("latin-1") if answer.startswith(b"HTTP/") else "cut"


def main() -> int:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else time.time_ns()
    chance = random.Random(seed)
    running = engine()
    running.start()
    counts: collections.Counter[str] = collections.Counter()
    hung = []
    deadline = time.monotonic() + seconds
    try:
        while time.monotonic() < deadline:
            data = request(chance)
            outcome = send(running.socket, data)
            counts[outcome] += 1
            if outcome == "hang":
                hung.append(data[:200])
        log = running.log()
    finally:
        running.close()
    bugs = log.count("Traceback") + log.count("bug:")
    print(f"seed {seed}: {counts.total()} requests, {bugs} tracebacks, {len(hung)} hangs")
    print(dict(counts.most_common()))
    for data in hung:
        print("hang:", data)
    if bugs:
        print("".join(f"{line}\n" for line in log.splitlines() if "bug:" in line)[:3000])
        print(log[max(0, log.find("Traceback") - 300) :][:5000])
    return 1 if bugs or hung else 0


if __name__ == "__main__":
    sys.exit(main())
