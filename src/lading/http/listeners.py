"""Where clients knock: unix sockets, TCP with or without TLS, sockets somebody opened for us."""

import errno
import os
import socket
import ssl
from typing import NamedTuple

from lading.http.certificates import Certificates

BACKLOG = 1024


class UnixListener(NamedTuple):
    """A path; only owner and group may connect. `gid` None leaves the group as it is."""

    path: str
    mode: int = 0o660
    gid: int | None = None


class TcpListener(NamedTuple):
    """An address; port 0 takes a free one. Without TLS whoever reaches it is root on this host."""

    host: str
    port: int
    tls: ssl.SSLContext | Certificates | None = None


class InheritedListener(NamedTuple):
    """A listening socket that came with the process (socket activation)."""

    fd: int
    tls: ssl.SSLContext | Certificates | None = None


Listener = UnixListener | TcpListener | InheritedListener


def open_socket(listener: Listener) -> socket.socket:
    """The listening socket. Raises OSError: EADDRINUSE when somebody else answers there."""
    if isinstance(listener, UnixListener):
        return _open_unix(listener)
    if isinstance(listener, TcpListener):
        return _open_tcp(listener)
    opened = socket.socket(fileno=listener.fd)
    opened.setblocking(False)
    os.set_inheritable(listener.fd, False)
    return opened


def _open_unix(listener: UnixListener) -> socket.socket:
    _remove_stale(listener.path)
    opened = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        # bind gives the file the mode of the socket's inode: nobody gets in before chown and chmod
        os.fchmod(opened.fileno(), 0o600)
        opened.bind(listener.path)
        if listener.gid is not None:
            os.chown(listener.path, -1, listener.gid)
        os.chmod(listener.path, listener.mode)
        opened.listen(BACKLOG)
    except BaseException:
        opened.close()
        raise
    return opened


def _remove_stale(path: str) -> None:
    """Remove a socket file that nobody listens on; one that answers is somebody's."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(path)
        except FileNotFoundError:
            return
        except ConnectionRefusedError:
            os.unlink(path)
            return
    raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE), path)


def _open_tcp(listener: TcpListener) -> socket.socket:
    address = socket.getaddrinfo(
        listener.host or None, listener.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    opened = socket.socket(address[0], address[1] | socket.SOCK_NONBLOCK)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind(address[4])
        opened.listen(BACKLOG)
    except BaseException:
        opened.close()
        raise
    return opened
