"""Bearer tokens: the answer to a 401 with a challenge (distribution-spec, "token authentication").

The token server is asked without credentials here. Who has credentials passes another `Authorize`.
"""

from collections.abc import Callable
from urllib.parse import urlencode

import msgspec
from msgspec import Struct

from lading.oci.reference import Reference
from lading.registry.client import errors
from lading.registry.client.cancellation import Cancellation
from lading.registry.client.challenge import Challenge
from lading.registry.client.transport import Transport

TOKEN_LIMIT = 1024 * 1024  # bytes of a token server's answer

# From the registry's challenges to the value of an Authorization header; None: there is no way.
Authorize = Callable[[list[Challenge], Reference, Cancellation], str | None]


class _Token(Struct):
    token: str = ""
    access_token: str = ""


def anonymous(transport: Transport) -> Authorize:
    """Ask the token server that the challenge names for a token that pulls, as nobody."""

    def authorize(
        challenges: list[Challenge], reference: Reference, cancellation: Cancellation
    ) -> str | None:
        for challenge in challenges:
            if challenge.scheme == "bearer" and challenge.parameters.get("realm"):
                token = _fetch(transport, challenge, reference, cancellation)
                return f"Bearer {token}"
        return None

    return authorize


def token_url(challenge: Challenge, reference: Reference) -> str:
    """Where to ask: the realm, with the service and the scope of a pull from that repository."""
    query = [("scope", f"repository:{reference.path}:pull")]
    if service := challenge.parameters.get("service"):
        query.insert(0, ("service", service))
    realm = challenge.parameters["realm"]
    return realm + ("&" if "?" in realm else "?") + urlencode(query)


def _fetch(
    transport: Transport, challenge: Challenge, reference: Reference, cancellation: Cancellation
) -> str:
    url = token_url(challenge, reference)
    with transport.request("GET", url, {}, cancellation=cancellation) as response:
        body = response.read_all(TOKEN_LIMIT)
        if response.status != 200:
            raise errors.from_response(response.status, response.headers, body, reference)
    try:
        answer = msgspec.json.decode(body, type=_Token)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise errors.InvalidAnswer(f"token server {url}: {error}") from error
    if not (answer.token or answer.access_token):
        raise errors.InvalidAnswer("authorization server did not include a token in the response")
    return answer.token or answer.access_token
