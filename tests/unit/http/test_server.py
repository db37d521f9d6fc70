"""A server leaves no socket file behind, and takes none from its successor."""

import asyncio
import os
from typing import TYPE_CHECKING

from lading.http import Request, Response, UnixListener, serve

if TYPE_CHECKING:
    from pathlib import Path


def is_there(path: str) -> bool:
    return os.path.exists(path)


async def hello(request: Request) -> Response:
    return Response(200, b"hello")


def test_closing_removes_the_socket_file(tmp_path: "Path") -> None:
    path = str(tmp_path / "s.sock")

    async def main() -> tuple[bool, bool]:
        server = await serve(hello, [UnixListener(path)])
        before = is_there(path)
        await server.aclose()
        return before, is_there(path)

    assert asyncio.run(main()) == (True, False)


def test_a_second_server_does_not_take_the_socket_of_one_that_answers(tmp_path: "Path") -> None:
    path = str(tmp_path / "s.sock")

    async def main() -> tuple[str, bool]:
        server = await serve(hello, [UnixListener(path)])
        try:
            await serve(hello, [UnixListener(path)])
            outcome = "served"
        except OSError as error:
            outcome = str(error.strerror)
        there = is_there(path)
        await server.aclose()
        return outcome, there

    assert asyncio.run(main()) == ("Address already in use", True)
