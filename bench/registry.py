"""A registry on the loopback address of each engine's network namespace, over the same blobs."""

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.engines import Engine

PORT = 5077
ADDRESS = f"127.0.0.1:{PORT}"
START_S = 10.0
CONFIG = """version: 0.1
log: {{level: error}}
storage: {{filesystem: {{rootdirectory: {root}}}}}
http: {{addr: {address}}}
"""


@contextmanager
def served(binary: str, engines: Sequence[Engine], scratch: str | None) -> Iterator[str]:
    """Yields the address under which every one of the engines finds the registry."""
    work = Path(tempfile.mkdtemp(prefix="lading-bench-registry-", dir=scratch))
    config = work / "config.yml"
    config.write_text(CONFIG.format(root=work / "blobs", address=ADDRESS))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, work)
        for engine in engines:
            inside = ["nsenter", "--net", "-t", str(engine.pid)]
            process = subprocess.Popen(
                [*inside, binary, "serve", str(config)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            stack.callback(process.wait)
            stack.callback(process.terminate)
            _await(inside)
        yield ADDRESS


def _await(inside: Sequence[str]) -> None:
    deadline = time.monotonic() + START_S
    command = [*inside, "curl", "-fs", f"http://{ADDRESS}/v2/"]
    while subprocess.run(command, capture_output=True).returncode != 0:
        if time.monotonic() > deadline:
            raise SystemExit("the registry did not start")
        time.sleep(0.1)
