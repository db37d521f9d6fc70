"""TLS to an engine: certificates on both sides. Loaded only when an endpoint asks for it.

`ssl` works on the sockets of `socket`, and refuses flags on sendall; so the connection is wrapped
in what the client expects of a socket.
"""

from __future__ import annotations

import socket
import ssl

from lading.sdk.errors import ConnectionFailed, TlsFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    import _socket

    from lading.sdk.address import Address


class TlsFiles:
    """Paths in PEM, empty when there is none; `verify` False takes any certificate."""

    def __init__(self, ca: str, cert: str, key: str, *, verify: bool) -> None:
        self.ca = ca
        self.cert = cert
        self.key = key
        self.verify = verify

    def context(self) -> ssl.SSLContext:
        """Raises TlsFailed when a file is not what it should be."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if not self.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        try:
            if self.ca:
                context.load_verify_locations(self.ca)
            elif self.verify:
                context.load_default_certs()
            if self.cert:
                context.load_cert_chain(self.cert, self.key or None)
        except (OSError, ssl.SSLError) as error:
            raise TlsFailed(f"could not load TLS files: {error}") from error
        return context


class TlsSocket:
    """A connection by TLS with the methods that the client uses of a `_socket.socket`."""

    def __init__(self, sock: ssl.SSLSocket) -> None:
        self._socket = sock

    def fileno(self) -> int:
        return self._socket.fileno()

    def pending(self) -> int:
        """Bytes that are decrypted already, which poll cannot see."""
        return self._socket.pending()

    def recv(self, size: int) -> bytes:
        """b"" at the end, whether it was said or not: the message knows whether it is whole."""
        try:
            return self._socket.recv(size)
        except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
            return b""
        except ssl.SSLError as error:
            raise TlsFailed(str(error)) from error

    def sendall(self, data: bytes, flags: int = 0) -> None:
        self._socket.sendall(data)

    def send(self, data: bytes, flags: int = 0) -> int:
        """What fits; raises BlockingIOError when nothing does."""
        self._socket.setblocking(False)
        try:
            return self._socket.send(data)
        except (ssl.SSLWantWriteError, ssl.SSLWantReadError) as error:
            raise BlockingIOError from error
        finally:
            self._socket.setblocking(True)

    def shutdown(self, how: int) -> None:
        """Say that no more comes; what the other side says can still be read."""
        self._socket.setblocking(False)
        try:
            self._socket.unwrap()
        except (ssl.SSLError, OSError):
            pass  # the answer of the other side comes when it is done
        finally:
            self._socket.setblocking(True)

    def close(self) -> None:
        self._socket.close()


def wrap(sock: _socket.socket, address: Address, files: TlsFiles) -> TlsSocket:
    """Shake hands. Raises ConnectionFailed, TlsFailed; the socket is closed then."""
    plain = socket.socket(fileno=sock.detach())
    try:
        context = files.context()
        return TlsSocket(context.wrap_socket(plain, server_hostname=address.host))
    except ssl.SSLError as error:
        plain.close()
        raise TlsFailed(f"{address.text}: {error}") from error
    except OSError as error:
        plain.close()
        raise ConnectionFailed(address.text, error) from error
    except BaseException:
        plain.close()
        raise
