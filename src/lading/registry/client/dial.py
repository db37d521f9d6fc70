"""Failures of the network in the words of Go's net/http, which people search for and match on."""

import errno
import http.client
import os
import socket
import ssl

from lading.registry.client.endpoints import addresses

# X509_V_ERR_* of OpenSSL (x509_vfy.h)
_UNKNOWN_AUTHORITY = frozenset({18, 19, 20, 21})
_NOT_NOW = frozenset({9, 10})
_OTHER_NAME = frozenset({62, 64})
# what OpenSSL calls an answer that is not TLS
_NOT_TLS = frozenset({"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG"})


class DialFailed(OSError):
    """No connection came about; the text says why."""


def dial(connection: http.client.HTTPConnection) -> None:
    """Connect. Raises DialFailed."""
    try:
        connection.connect()
    except (OSError, UnicodeError) as error:
        raise DialFailed(explain_dial(error, connection.host, connection.port)) from error


def explain_dial(error: OSError | UnicodeError, host: str, port: int) -> str:
    """Why no connection to that host came about."""
    if isinstance(error, UnicodeError | socket.gaierror):
        temporary = getattr(error, "errno", None) == socket.EAI_AGAIN
        reason = "server misbehaving" if temporary else "no such host"
        return f"dial tcp: lookup {host}: {reason}"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"tls: failed to verify certificate: {_explain_certificate(error, host)}"
    if isinstance(error, ssl.SSLError):
        if error.reason in _NOT_TLS:
            return "http: server gave HTTP response to HTTPS client"
        return f"tls: {(error.reason or str(error)).lower().replace('_', ' ')}"
    address = next(iter(addresses(host)), host)
    where = f"dial tcp {f'[{address}]' if ':' in address else address}:{port}"
    if isinstance(error, TimeoutError) or error.errno == errno.ETIMEDOUT:
        return f"{where}: i/o timeout"
    return f"{where}: connect: {_strerror(error)}"


def explain(error: Exception) -> str:
    """Why a connection that stood gave no answer."""
    if isinstance(error, DialFailed):
        return str(error)
    if isinstance(error, TimeoutError):
        return "net/http: timeout awaiting response headers"
    if isinstance(error, http.client.RemoteDisconnected | ssl.SSLEOFError):
        return "EOF"
    if isinstance(error, OSError):
        return f"read tcp: {_strerror(error)}"
    return f"net/http: HTTP/1.x transport connection broken: {error or type(error).__name__}"


def _explain_certificate(error: ssl.SSLCertVerificationError, host: str) -> str:
    if error.verify_code in _UNKNOWN_AUTHORITY:
        return "x509: certificate signed by unknown authority"
    if error.verify_code in _NOT_NOW:
        return "x509: certificate has expired or is not yet valid"
    if error.verify_code in _OTHER_NAME:
        return f"x509: certificate is not valid for {host}"
    return f"x509: {error.verify_message}"


def _strerror(error: OSError) -> str:
    return os.strerror(error.errno).lower() if error.errno else str(error)
