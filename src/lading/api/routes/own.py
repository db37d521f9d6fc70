"""Operations that Docker does not have, all below /lading/: the audit, and images from the host."""

from collections.abc import Callable, Sequence
from functools import partial

import msgspec

from lading.api import progress
from lading.api.backend import Finding
from lading.api.call import Call
from lading.api.router import Route
from lading.http import Response, StreamResponse
from lading.wire import auth as auths
from lading.wire import codec
from lading.wire.images import ManifestList


class FromHost(msgspec.Struct):
    """The body of `POST /lading/images/from-host`; no tools means those of the base image."""

    tag: str
    tools: list[str] | None = None


async def from_host(call: Call) -> Response:
    """Make an image of the host's own programs, telling how it goes."""
    asked = codec.decode(await call.request.read(), FromHost)
    return await progress.respond(
        lambda report: call.backend.images.from_host(asked.tag, asked.tools or None, report)
    )


async def copy(call: Call) -> Response:
    """Copy an image to a registry: from another one, or from the archive in the body.

    X-Registry-Auth is for the target, X-Lading-Source-Auth for the source.
    """
    return await progress.respond(
        partial(
            _copy,
            call,
            (
                auths.from_header(call.request.header("x-lading-source-auth")),
                auths.from_header(call.request.header("x-registry-auth")),
            ),
        )
    )


async def _copy(
    call: Call,
    both: tuple[auths.AuthConfig, auths.AuthConfig],
    report: Callable[[dict[str, object]], None],
) -> None:
    await call.backend.images.copy(
        call.query.text("from"),
        call.query.text("to"),
        archive=call.request.body,
        platform=call.query.text("platform") or None,
        progress=report,
        auths=both,
    )


async def fetch_archive(call: Call) -> Response:
    """An archive of an image that a registry has; X-Registry-Auth is for that registry."""
    chunks = await call.backend.images.fetch_archive(
        call.query.text("from"),
        platform=call.query.text("platform") or None,
        auth=auths.from_header(call.request.header("x-registry-auth")),
    )
    return StreamResponse(chunks, headers=[("Content-Type", "application/x-tar")])


async def explore(call: Call) -> Response:
    """What is in each layer of an image, and what is wasted; `files` lists every file."""
    return call.reply(
        await call.backend.images.explore(
            call.name,
            platform=call.query.text("platform") or None,
            with_files=call.query.flag("files"),
        )
    )


async def usage(call: Call) -> Response:
    """What every image takes, shared and alone, and when it was last used."""
    return call.reply(await call.backend.images.usage())


async def manifest(call: Call) -> Response:
    """A manifest as a registry has it; with `deep` those that an index names, too."""
    return call.reply(
        await call.backend.images.manifest(
            call.query.text("name"),
            deep=call.query.flag("deep"),
            insecure=call.query.flag("insecure"),
            auth=auths.from_header(call.request.header("x-registry-auth")),
        )
    )


async def push_list(call: Call) -> Response:
    """Push an index of manifests that the same registry has, telling of each."""
    asked = codec.decode(await call.request.read(), ManifestList)
    auth = auths.from_header(call.request.header("x-registry-auth"))
    return await progress.respond(
        lambda report: call.backend.images.push_list(
            call.query.text("name"),
            asked.manifests,
            insecure=call.query.flag("insecure"),
            progress=report,
            auth=auth,
        )
    )


async def fsck(call: Call) -> Response:
    """Check the image store; `repair` mends what can be."""
    found = await call.backend.images.fsck(repair=call.query.flag("repair"))
    rows = [
        {"kind": f.kind, "name": f.name, "detail": f.detail, "repaired": f.is_repaired}
        for f in found
    ]
    return call.reply({"findings": rows})


async def check(call: Call) -> Response:
    """Audit the host against the records."""
    return _told(call, call.backend.check())


async def repair(call: Call) -> Response:
    """Take away what has no owner, and audit again."""
    return _told(call, await call.backend.repair())


def _told(call: Call, findings: Sequence[Finding]) -> Response:
    rows = [{"kind": f.kind, "name": f.name, "detail": f.detail} for f in findings]
    return call.reply({"findings": rows})


ROUTES = [
    Route("POST", "/lading/images/from-host", from_host),
    Route("POST", "/lading/images/copy", copy),
    Route("POST", "/lading/images/fetch-archive", fetch_archive),
    Route("GET", "/lading/images/usage", usage),
    Route("GET", "/lading/images/{name}/explore", explore),
    Route("GET", "/lading/registry/manifest", manifest),
    Route("POST", "/lading/registry/manifest-list", push_list),
    Route("POST", "/lading/images/fsck", fsck),
    Route("GET", "/lading/system/check", check),
    Route("POST", "/lading/system/check", repair, is_uninterrupted=True),
]
