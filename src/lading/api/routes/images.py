"""The tag Image."""

from functools import partial

import msgspec

from lading.api import progress
from lading.api.call import Call
from lading.api.router import Route
from lading.errors import InvalidArgument
from lading.http import Response, StreamResponse
from lading.wire import auth as auths
from lading.wire.auth import AuthConfig

FILTERS = frozenset(
    ["before", "dangling", "label", "reference", "since", "until", "unused-for"]
)  # the last is Lading's own
PRUNE_FILTERS = frozenset(["dangling", "label", "label!", "until", "unused-for"])
SEARCH_FILTERS = frozenset(["is-automated", "is-official", "stars"])
TAR = [("Content-Type", "application/x-tar")]
SEARCH_LIMIT = 25  # Docker's default


class NoImageName(InvalidArgument):
    """image name cannot be blank"""


class BadPlatform(InvalidArgument):
    """invalid platform: {0}"""


class _Platform(msgspec.Struct):
    os: str = ""
    architecture: str = ""
    variant: str = ""

    def __str__(self) -> str:
        return "/".join(filter(None, (self.os, self.architecture, self.variant)))


async def list_(call: Call) -> Response:
    """Images, newest first."""
    filters = call.query.filters(FILTERS)
    if name := call.query.text("filter"):  # the way of clients before 1.25
        filters["reference"] = [*filters.get("reference", ()), name]
    return call.reply(
        await call.backend.images.list(
            all=call.query.flag("all"),
            filters=filters,
            shared_size=call.query.flag("shared-size"),
            manifests=call.query.flag("manifests") and call.is_at_least("1.47"),
        )
    )


async def create(call: Call) -> Response:
    """Pull an image, or make one of a file system archive, telling how it goes."""
    name = call.query.text("fromImage").removesuffix(":")  # `pull --all-tags` may send one
    if not name:
        return await _import(call)
    auth = _lenient_auth(call)
    return await progress.respond(
        lambda report: call.backend.images.pull(
            _with_tag(name, call.query.text("tag")),
            platform=call.query.text("platform") or None,
            progress=report,
            auth=auth,
        )
    )


async def _import(call: Call) -> Response:
    work = partial(
        call.backend.images.import_,
        call.request.body,
        source=call.query.text("fromSrc"),
        repo=call.query.text("repo"),
        tag=call.query.text("tag"),
        message=call.query.text("message"),
        changes=call.query.texts("changes"),
        platform=call.query.text("platform") or None,
    )
    return await progress.respond(lambda report: work(progress=report))


def _with_tag(name: str, tag: str) -> str:
    """The reference; what comes as a tag may be a digest."""
    if not tag:
        return name
    return f"{name}@{tag}" if ":" in tag else f"{name}:{tag}"


def _lenient_auth(call: Call) -> AuthConfig:
    """Who cannot be understood is nobody: clients send strange things, and always did."""
    try:
        return auths.from_header(call.request.header("x-registry-auth"))
    except auths.BadAuth:
        return AuthConfig()


async def push(call: Call) -> Response:
    """Send an image to its registry, telling how it goes."""
    auth = _lenient_auth(call)
    wanted = _platforms(call)
    return await progress.respond(
        lambda report: call.backend.images.push(
            call.name,
            tag=call.query.text("tag"),
            platform=wanted[0] if wanted else None,
            progress=report,
            auth=auth,
        )
    )


async def load(call: Call) -> Response:
    """Take in the images of an archive, telling how it goes."""
    work = partial(
        call.backend.images.load,
        call.request.body,
        quiet=call.query.flag("quiet", default=True),
        platforms=_platforms(call),
    )
    # dockerd answers 200 whatever comes, and clients look for the error in the stream
    return await progress.respond(lambda report: work(progress=report), is_always_streamed=True)


async def save_one(call: Call) -> Response:
    """An archive of one image."""
    return await _save(call, [call.name])


async def save(call: Call) -> Response:
    """An archive of several images."""
    return await _save(call, call.query.texts("names"))


async def _save(call: Call, names: list[str]) -> Response:
    chunks = await call.backend.images.save(names, platforms=_platforms(call))
    return StreamResponse(chunks, headers=TAR)


def _platforms(call: Call) -> list[str]:
    """Platforms come as JSON objects (1.46 on). Raises BadPlatform."""
    texts = [text for text in call.query.texts("platform") if text]
    if not call.is_at_least("1.46"):
        return []
    try:
        return [str(msgspec.json.decode(text.encode(), type=_Platform)) for text in texts]
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadPlatform(error) from error


async def inspect(call: Call) -> Response:
    """Everything about one image."""
    manifests = call.query.flag("manifests") and call.is_at_least("1.48")
    wanted = _platforms(call) if call.is_at_least("1.49") else []
    return call.reply(
        await call.backend.images.inspect(
            call.name, manifests=manifests, platform=wanted[0] if wanted else None
        )
    )


async def history(call: Call) -> Response:
    """How it was made, newest step first."""
    wanted = _platforms(call) if call.is_at_least("1.48") else []
    return call.reply(
        await call.backend.images.history(call.name, platform=wanted[0] if wanted else None)
    )


async def remove(call: Call) -> Response:
    """Untag it, and delete what no name and no container needs any more."""
    if not call.name.strip():
        raise NoImageName
    return call.reply(
        await call.backend.images.remove(
            call.name, force=call.query.flag("force"), prune=not call.query.flag("noprune")
        )
    )


async def prune(call: Call) -> Response:
    """Delete the images that nobody uses; `dry-run` (Lading's own) only tells which."""
    filters = call.query.filters(PRUNE_FILTERS)
    return call.reply(
        await call.backend.images.prune(filters=filters, dry_run=call.query.flag("dry-run"))
    )


async def tag(call: Call) -> Response:
    """Give it another name."""
    await call.backend.images.tag(
        call.name, call.query.text("repo"), call.query.text("tag") or "latest"
    )
    return Response(201)


async def search(call: Call) -> Response:
    """Repositories that an index knows of."""
    limit = call.query.number("limit")
    return call.reply(
        await call.backend.images.search(
            call.query.text("term"),
            limit=SEARCH_LIMIT if limit is None else limit,
            filters=call.query.filters(SEARCH_FILTERS),
            auth=_lenient_auth(call),
        )
    )


async def distribution(call: Call) -> Response:
    """What a registry has under a name."""
    return call.reply(await call.backend.images.distribution(call.name, auth=_lenient_auth(call)))


async def login(call: Call) -> Response:
    """Are these credentials good?"""
    return call.reply(await call.backend.images.login(await call.document(AuthConfig)))


ROUTES = [
    Route("GET", "/images/json", list_),
    Route("GET", "/images/get", save),
    Route("GET", "/images/search", search),
    Route("POST", "/images/create", create),
    Route("POST", "/images/load", load),
    Route("POST", "/images/prune", prune, is_uninterrupted=True),
    Route("GET", "/images/{name}/json", inspect),
    Route("GET", "/images/{name}/get", save_one),
    Route("GET", "/images/{name}/history", history),
    Route("POST", "/images/{name}/push", push),
    Route("POST", "/images/{name}/tag", tag, is_uninterrupted=True),
    Route("DELETE", "/images/{name}", remove, is_uninterrupted=True),
    Route("GET", "/distribution/{name}/json", distribution),
    Route("POST", "/auth", login),
]
