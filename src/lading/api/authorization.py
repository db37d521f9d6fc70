"""Docker's authorization plugins: a service on a unix socket that allows or denies each request.

Before a request `/AuthZPlugin.AuthZReq`, behind it `/AuthZPlugin.AuthZRes`; the answer is
`{"Allow", "Msg", "Err"}`. Source: Docker documentation, "Access authorization plugin".
"""

import asyncio
import base64

import msgspec

from lading.errors import PermissionDenied, SystemFault
from lading.http import Request, Response

ANSWER_S = 30.0
MAX_ANSWER = 1024 * 1024
DIRECTORY = "/run/docker/plugins"


class Denied(PermissionDenied):
    """authorization denied by plugin {0}: {1}"""


class PluginFailed(SystemFault):
    """plugin {0} failed with error: {1}"""


class Verdict(msgspec.Struct, rename="pascal"):
    """What a plugin says."""

    allow: bool = False
    msg: str = ""
    err: str = ""


class Plugin:
    """One plugin by name; a name with a slash is the path of its socket."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._path = name if "/" in name else f"{DIRECTORY}/{name}.sock"

    async def check_request(self, request: Request) -> None:
        """Raises Denied, PluginFailed."""
        await self._ask("AuthZReq", await _described(request))

    async def check_response(self, request: Request, response: Response) -> None:
        """Raises Denied, PluginFailed. A streamed answer shows its head only."""
        document = await _described(request)
        document |= {
            "ResponseStatusCode": response.status,
            "ResponseHeaders": dict(response.headers),
            "ResponseBody": base64.b64encode(getattr(response, "body", b"")).decode(),
        }
        await self._ask("AuthZRes", document)

    async def _ask(self, verb: str, document: dict[str, object]) -> None:
        try:
            async with asyncio.timeout(ANSWER_S):
                verdict = msgspec.json.decode(await self._post(verb, document), type=Verdict)
        except (OSError, TimeoutError, msgspec.MsgspecError, ValueError, EOFError) as error:
            raise PluginFailed(self.name, str(error) or type(error).__name__) from error
        if verdict.err:
            raise PluginFailed(self.name, verdict.err)
        if not verdict.allow:
            raise Denied(self.name, verdict.msg)

    async def _post(self, verb: str, document: dict[str, object]) -> bytes:
        """The body of the plugin's answer. Raises OSError, ValueError, EOFError."""
        body = msgspec.json.encode(document)
        head = (
            f"POST /AuthZPlugin.{verb} HTTP/1.0\r\nHost: plugin\r\n"
            "Accept: application/vnd.docker.plugins.v1.2+json\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        reader, writer = await asyncio.open_unix_connection(self._path, limit=MAX_ANSWER)
        try:
            writer.write(head.encode() + body)
            await writer.drain()
            first = await reader.readuntil(b"\r\n\r\n")
            if first.split(b" ", 2)[1:2] != [b"200"]:
                raise ValueError(first.partition(b"\r\n")[0].decode("latin-1"))
            answer = await reader.read(MAX_ANSWER)
            while len(answer) < MAX_ANSWER and (more := await reader.read(MAX_ANSWER)):
                answer += more
            return answer
        finally:
            writer.close()


async def _described(request: Request) -> dict[str, object]:
    """The request as plugins know it. A document is shown whole, an archive not at all."""
    kind = (request.header("content-type") or "").partition(";")[0].strip().lower()
    # what does not say that it is an archive is read: a body may not slip by unnamed
    is_archive = kind in ("application/x-tar", "application/tar", "application/octet-stream")
    body = b"" if is_archive or not request.has_body else await request.read()
    headers = {
        name.decode("latin-1").title(): value.decode("latin-1")
        for name, value in request.headers
        if not name.startswith((b"x-registry-", b"authorization"))
    }
    peer = request.peer
    return {
        "User": peer.name,
        "UserAuthNMethod": "TLS" if peer.kind == "tls" else "",
        "RequestMethod": request.method,
        "RequestURI": request.target,
        "RequestBody": base64.b64encode(body).decode(),
        "RequestHeaders": headers,
    }
