"""HTTP/1.1 over unix, TCP and TLS sockets, with connections that can be taken over.

The idea: h11 decides what the bytes mean, asyncio moves them, and this room is the little in
between. A handler is `async def handler(request) -> Response`; nothing here knows about Docker.

    listeners -> Server -> Connection (one per socket) -> handler(Request) -> Response
                                \\-> RawStream after a hijack or an HTTP/2 preface
"""

from lading.http.certificates import Certificates, Files
from lading.http.flow import ClientGone
from lading.http.limits import Limits
from lading.http.listeners import InheritedListener, Listener, TcpListener, UnixListener
from lading.http.peer import Peer
from lading.http.request import BodyTooLarge, Request
from lading.http.response import FileResponse, Hijack, Response, StreamResponse
from lading.http.server import Server, serve
from lading.http.stream import RawStream
from lading.http.websocket import WebSocket
from lading.http.websocket import accept as accept_websocket

__all__ = [
    "BodyTooLarge",
    "Certificates",
    "ClientGone",
    "FileResponse",
    "Files",
    "Hijack",
    "InheritedListener",
    "Limits",
    "Listener",
    "Peer",
    "RawStream",
    "Request",
    "Response",
    "Server",
    "StreamResponse",
    "TcpListener",
    "UnixListener",
    "WebSocket",
    "accept_websocket",
    "serve",
]
