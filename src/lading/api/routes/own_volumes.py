"""Operations on volumes that Docker does not have, below /lading/: copies, renames, backups."""

from lading.api.call import Call
from lading.api.router import Route
from lading.api.routes.container_files import stat_header
from lading.errors import InvalidArgument
from lading.http import Response, StreamResponse

_TAR = [("Content-Type", "application/x-tar")]
_ZSTD = [("Content-Type", "application/zstd")]


class NoTarget(InvalidArgument):
    """the parameter "to" says which name the volume gets"""


class BadVolumeName(InvalidArgument):
    """invalid value for volume: {0} (OLD=NEW)"""


async def export(call: Call) -> Response:
    """An archive of a volume; `pause` freezes those who have it meanwhile."""
    chunks = await call.backend.volume_copies.export(call.name, freezes=call.query.flag("pause"))
    return StreamResponse(chunks, headers=_TAR)


async def import_(call: Call) -> Response:
    """Fill a new or empty volume from the archive in the body."""
    made = await call.backend.volume_copies.import_(call.name, call.request.iter_body())
    return call.reply(made, status=201)


async def clone(call: Call) -> Response:
    """A copy of a volume; with `snapshot` it says of which."""
    made = await call.backend.volume_copies.clone(
        call.name,
        _target(call),
        freezes=call.query.flag("pause"),
        is_snapshot=call.query.flag("snapshot"),
    )
    return call.reply(made, status=201)


async def rename(call: Call) -> Response:
    """Give a volume that no container has another name."""
    return call.reply(await call.backend.volume_copies.rename(call.name, _target(call)))


async def path_stat(call: Call) -> Response:
    """Tell in a header what is at a path of a volume."""
    found = await call.backend.volume_copies.path_stat(call.name, call.query.text("path"))
    return Response(200, headers=[stat_header(found)])


async def read_archive(call: Call) -> Response:
    """The archive of what is at a path of a volume."""
    path = call.query.text("path")
    found, chunks = await call.backend.volume_copies.read_archive(call.name, path)
    return StreamResponse(chunks, headers=[*_TAR, stat_header(found)])


async def write_archive(call: Call) -> Response:
    """Unpack the body into a directory of a volume."""
    path, chunks = call.query.text("path"), call.request.iter_body()
    await call.backend.volume_copies.write_archive(call.name, path, chunks)
    return Response(200)


async def create_backup(call: Call) -> Response:
    """The backup of a container and its volumes, frozen meanwhile unless `pause` is false."""
    chunks = await call.backend.backups.create(
        call.query.text("container"), freezes=call.query.flag("pause", default=True)
    )
    return StreamResponse(chunks, headers=_ZSTD)


async def restore_backup(call: Call) -> Response:
    """Create the container of the backup in the body; `volume=OLD=NEW` renames."""
    renamed = {}
    for text in call.query.texts("volume"):
        old, equals, new = text.partition("=")
        if not (old and equals and new):
            raise BadVolumeName(text)
        renamed[old] = new
    name = call.query.text("name") or None
    chunks = call.request.iter_body()
    made = await call.backend.backups.restore(chunks, name=name, renamed=renamed)
    return call.reply(made, status=201)


async def verify_backup(call: Call) -> Response:
    """Read the backup in the body, and tell what is in it."""
    return call.reply(await call.backend.backups.verify(call.request.iter_body()))


def _target(call: Call) -> str:
    name = call.query.text("to")
    if not name:
        raise NoTarget
    return name


ROUTES = [
    Route("GET", "/lading/volumes/{name}/export", export),
    Route("POST", "/lading/volumes/{name}/import", import_, is_uninterrupted=True),
    Route("POST", "/lading/volumes/{name}/clone", clone, is_uninterrupted=True),
    Route("POST", "/lading/volumes/{name}/rename", rename, is_uninterrupted=True),
    Route("HEAD", "/lading/volumes/{name}/archive", path_stat),
    Route("GET", "/lading/volumes/{name}/archive", read_archive),
    Route("PUT", "/lading/volumes/{name}/archive", write_archive),
    Route("POST", "/lading/backups/create", create_backup),
    Route("POST", "/lading/backups/restore", restore_backup, is_uninterrupted=True),
    Route("POST", "/lading/backups/verify", verify_backup),
]
