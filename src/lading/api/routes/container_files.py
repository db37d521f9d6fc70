"""The tag Container: its files, out as tar archives and in again, and what it changed of them."""

import base64

from lading.api.call import Call
from lading.api.router import Route
from lading.errors import InvalidArgument
from lading.http import Response, StreamResponse
from lading.wire import codec
from lading.wire.containers import PathStat


class NoPath(InvalidArgument):
    """bad parameter: pathcannot be empty"""


_STAT = "X-Docker-Container-Path-Stat"


async def path_stat(call: Call) -> Response:
    """Tell in a header what is at a path."""
    found = await call.backend.containers.path_stat(call.name, _path(call))
    return Response(200, headers=[stat_header(found)])


async def read(call: Call) -> Response:
    """The archive of what is at a path."""
    found, chunks = await call.backend.containers.read_archive(call.name, _path(call))
    headers = [("Content-Type", "application/x-tar"), stat_header(found)]
    return StreamResponse(chunks, headers=headers)


async def write(call: Call) -> Response:
    """Unpack the body into a directory."""
    await call.backend.containers.write_archive(
        call.name,
        _path(call),
        call.request.iter_body(),
        keeps_kinds=call.query.flag("noOverwriteDirNonDir"),
        takes_owner=call.query.flag("copyUIDGID"),
    )
    return Response(200)


async def export(call: Call) -> Response:
    """The whole file system."""
    chunks = await call.backend.containers.export(call.name)
    return StreamResponse(chunks, headers=[("Content-Type", "application/octet-stream")])


async def changes(call: Call) -> Response:
    """What it changed; null when it changed nothing."""
    return call.reply(list(await call.backend.containers.changes(call.name)) or None)


def _path(call: Call) -> str:
    """Must be given, whether or not there is such a container."""
    path = call.query.text("path")
    if not path:
        raise NoPath
    return path


def stat_header(found: PathStat) -> tuple[str, str]:
    """What is at a path, in the header that docker's cp reads."""
    return _STAT, base64.b64encode(codec.encode(found)).decode()


ROUTES = [
    Route("HEAD", "/containers/{name}/archive", path_stat),
    Route("GET", "/containers/{name}/archive", read),
    Route("PUT", "/containers/{name}/archive", write),
    Route("GET", "/containers/{name}/export", export),
    Route("GET", "/containers/{name}/changes", changes),
]
