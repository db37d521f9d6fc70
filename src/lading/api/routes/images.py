"""The tag Image."""

from functools import partial

from lading.api import progress
from lading.api.call import Call
from lading.api.router import Route
from lading.errors import InvalidArgument, NotSupported
from lading.http import Response

FILTERS = frozenset(["before", "dangling", "label", "reference", "since", "until"])


class NoImageName(InvalidArgument):
    """image name cannot be blank"""


class NoImport(NotSupported):
    """import of an image from a file system archive is not supported yet"""


async def list_(call: Call) -> Response:
    """Images, newest first."""
    filters = call.query.filters(FILTERS | {"filter"})
    return call.reply(
        await call.backend.images.list(
            all=call.query.flag("all"),
            filters=filters,
            shared_size=call.query.flag("shared-size"),
            manifests=call.query.flag("manifests") and call.is_at_least("1.47"),
        )
    )


async def create(call: Call) -> Response:
    """Pull an image, telling how it goes."""
    name = call.query.text("fromImage").removesuffix(":")  # `pull --all-tags` may send one
    if not name:
        raise NoImport
    return await progress.respond(
        lambda report: call.backend.images.pull(
            _with_tag(name, call.query.text("tag")),
            platform=call.query.text("platform") or None,
            progress=report,
        )
    )


def _with_tag(name: str, tag: str) -> str:
    """The reference; what comes as a tag may be a digest."""
    if not tag:
        return name
    return f"{name}@{tag}" if ":" in tag else f"{name}:{tag}"


async def load(call: Call) -> Response:
    """Take in the images of an archive, telling how it goes."""
    work = partial(
        call.backend.images.load,
        call.request.iter_body(),
        quiet=call.query.flag("quiet", default=True),
    )
    return await progress.respond(lambda report: work(progress=report))


async def inspect(call: Call) -> Response:
    """Everything about one image."""
    return call.reply(await call.backend.images.inspect(call.name))


async def history(call: Call) -> Response:
    """How it was made, newest step first."""
    return call.reply(await call.backend.images.history(call.name))


async def remove(call: Call) -> Response:
    """Untag it, and delete what no name and no container needs any more."""
    if not call.name.strip():
        raise NoImageName
    return call.reply(
        await call.backend.images.remove(
            call.name, force=call.query.flag("force"), prune=not call.query.flag("noprune")
        )
    )


async def tag(call: Call) -> Response:
    """Give it another name."""
    await call.backend.images.tag(
        call.name, call.query.text("repo"), call.query.text("tag") or "latest"
    )
    return Response(201)


ROUTES = [
    Route("GET", "/images/json", list_),
    Route("POST", "/images/create", create),
    Route("POST", "/images/load", load),
    Route("GET", "/images/{name}/json", inspect),
    Route("GET", "/images/{name}/history", history),
    Route("POST", "/images/{name}/tag", tag, is_uninterrupted=True),
    Route("DELETE", "/images/{name}", remove, is_uninterrupted=True),
]
