"""Operations that Docker does not have, all below /lading/: the audit, and images from the host."""

import msgspec

from lading.api import progress
from lading.api.call import Call
from lading.api.router import Route
from lading.http import Response
from lading.wire import codec


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
    findings = call.backend.check()
    rows = [{"kind": f.kind, "name": f.name, "detail": f.detail} for f in findings]
    return call.reply({"findings": rows})


ROUTES = [
    Route("POST", "/lading/images/from-host", from_host),
    Route("POST", "/lading/images/fsck", fsck),
    Route("GET", "/lading/system/check", check),
]
