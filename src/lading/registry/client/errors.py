"""What a registry or the way to it may answer, as errors with the texts that Docker shows.

`from_response` translates a refused request once, here; `TRANSIENT` are those where trying again
may help. Codes: OCI distribution-spec 1.1, "Error Codes".
"""

import http.client
from email.message import Message
from email.utils import parsedate_to_datetime

import msgspec
from msgspec import Struct

from lading.errors import (
    LadingError,
    NotFound,
    PermissionDenied,
    SystemFault,
    Unauthorized,
    Unavailable,
)
from lading.oci.reference import Reference
from lading.registry.client import challenge as challenges

_MESSAGES = {
    "DENIED": "requested access to the resource is denied",
    "UNAUTHORIZED": "authentication required",
    "MANIFEST_UNKNOWN": "manifest unknown",
    "NAME_UNKNOWN": "repository name not known to registry",
    "BLOB_UNKNOWN": "blob unknown to registry",
    "TOOMANYREQUESTS": "too many requests",
}
_OAUTH_CODES = {"invalid_token": "UNAUTHORIZED", "insufficient_scope": "DENIED"}  # RFC 6750, 3.1


class Unreachable(SystemFault):
    """{0} "{1}": {2}"""


class AccessDenied(NotFound):
    """pull access denied for {0}, repository does not exist or may require 'docker login': {1}"""


class PushDenied(PermissionDenied):
    """{0}"""


class ManifestUnknown(NotFound):
    """manifest for {0} not found: {1}"""


class RepositoryUnknown(NotFound):
    """repository {0} not found: {1}"""


class AuthenticationRequired(Unauthorized):
    """{0}"""


class RegistryRefused(SystemFault):
    """{0}"""


class RegistryBusy(Unavailable):
    """{0}"""

    retry_after_s: float | None = None


class InvalidAnswer(SystemFault):
    """{0}"""


class Truncated(SystemFault):
    """{0}: unexpected EOF after {1} of {2} bytes"""


TRANSIENT = (Unreachable, RegistryBusy, Truncated)


class _Error(Struct):
    code: str = ""
    message: str = ""


class _Errors(Struct):
    errors: list[_Error] | None = None


def from_response(
    status: int, headers: Message, body: bytes, reference: Reference, *, is_push: bool = False
) -> LadingError:
    """The error that a response of 300 or more means for a pull or push of `reference`."""
    if status == 429 or status >= 500:
        return _busy(status, headers, body)
    code, message = _first_error(status, headers, body)
    said = f"{code.lower().replace('_', ' ')}: {message}"
    if code == "DENIED" and is_push:
        return PushDenied(said)
    if code == "DENIED":
        return AccessDenied(reference.familiar_name, said)
    if code == "UNAUTHORIZED" or status == 401:
        return AuthenticationRequired(said)
    if code in {"MANIFEST_UNKNOWN", "NOT_FOUND"}:
        return ManifestUnknown(reference.familiar, said)
    if code == "NAME_UNKNOWN":
        return RepositoryUnknown(reference.familiar_name, said)
    return RegistryRefused(said)


def cause(status: int, headers: Message, body: bytes) -> str:
    """What the registry says, as "code: message"."""
    code, message = _first_error(status, headers, body)
    return f"{code.lower().replace('_', ' ')}: {message}"


def _busy(status: int, headers: Message, body: bytes) -> RegistryBusy:
    code, message = _parse_body(body)
    text = f"received unexpected HTTP status: {status} {http.client.responses.get(status, '')}"
    if status == 429:
        text = f"toomanyrequests: {message or _MESSAGES['TOOMANYREQUESTS']}"
    elif code:
        text = f"{code.lower().replace('_', ' ')}: {message}"
    busy = RegistryBusy(text.strip())
    busy.retry_after_s = retry_after_s(headers.get("Retry-After"), headers.get("Date"))
    return busy


def _first_error(status: int, headers: Message, body: bytes) -> tuple[str, str]:
    """Code and message: of the challenge first (it is the more exact), then of the body."""
    for challenge in challenges.parse(headers.get("WWW-Authenticate", "")):
        code = _OAUTH_CODES.get(challenge.parameters.get("error", ""), "")
        if code:
            described = challenge.parameters.get("error_description")
            return code, described or _MESSAGES[code]
    code, message = _parse_body(body)
    if not code:
        code = {401: "UNAUTHORIZED", 403: "DENIED", 404: "MANIFEST_UNKNOWN"}.get(status, "UNKNOWN")
        message = message or _MESSAGES.get(code, f"unexpected HTTP status {status}")
    return code, message or _MESSAGES.get(code, code)


def _parse_body(body: bytes) -> tuple[str, str]:
    try:
        errors = msgspec.json.decode(body, type=_Errors).errors
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return "", ""
    return (errors[0].code.upper(), errors[0].message) if errors else ("", "")


def retry_after_s(value: str | None, date: str | None = None) -> float | None:
    """Seconds that a Retry-After header asks for; its date form is relative to the Date header."""
    if not value:
        return None
    if value.strip().isdecimal():
        return float(value)
    try:
        wait = parsedate_to_datetime(value) - parsedate_to_datetime(date or "")
        return max(0.0, wait.total_seconds())
    except (TypeError, ValueError):
        return None
