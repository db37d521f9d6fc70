"""Answers to a 401: basic credentials, or a bearer token from the server that the challenge names.

    who has an identity token     POST realm, OAuth 2 refresh_token grant
    who has name and password     GET realm with basic credentials, or POST (password grant)
    nobody                        GET realm

Source: distribution, "Token Authentication" and "OAuth2 Token Authentication".
"""

import base64
import time
from collections.abc import Callable, Sequence
from email.message import Message
from typing import NamedTuple
from urllib.parse import urlencode, urlsplit

import msgspec
from msgspec import Struct

from lading.errors import LadingError
from lading.registry.client import errors
from lading.registry.client.access import ANONYMOUS, Access, Credentials
from lading.registry.client.body import BytesBody
from lading.registry.client.cancellation import Cancellation
from lading.registry.client.challenge import Challenge
from lading.registry.client.response import Response
from lading.registry.client.transport import Transport

TOKEN_LIMIT = 1024 * 1024  # bytes of a token server's answer
CLIENT_ID = "lading"
SHORTEST_S = 60  # a token without, or with a shorter, lifetime (distribution's client does so)
EARLY_S = 5  # a token is not used in the last seconds of its life


class Grant(NamedTuple):
    """The value of an Authorization header, and until when (time.monotonic) it is good."""

    value: str
    until_s: float = float("inf")

    @property
    def is_over(self) -> bool:
        """Whether it is not worth sending any more."""
        return time.monotonic() > self.until_s - EARLY_S


# From the registry's challenges to a grant; None: there is no way.
Authorize = Callable[[list[Challenge], Access, Cancellation], Grant | None]
Refuse = Callable[[int, Message, bytes], LadingError]


class Token(Struct):
    """A token server's answer."""

    token: str = ""
    access_token: str = ""
    refresh_token: str = ""
    expires_in: float = 0

    @property
    def grant(self) -> Grant:
        """For use as a header from now on."""
        until_s = time.monotonic() + max(self.expires_in, SHORTEST_S)
        return Grant(f"Bearer {self.token or self.access_token}", until_s)


class InsecureRealm(errors.RegistryRefused):
    """refusing to send credentials to {0}: it is not https"""


def anonymous(transport: Transport) -> Authorize:
    """Ask the token server as nobody."""
    return authorizer(transport, ANONYMOUS)


def authorizer(transport: Transport, credentials: Credentials) -> Authorize:
    """Answer challenges with these credentials."""

    def authorize(
        challenges: list[Challenge], access: Access, cancellation: Cancellation
    ) -> Grant | None:
        if credentials.registry_token:
            return Grant(f"Bearer {credentials.registry_token}")
        for challenge in challenges:
            if challenge.scheme == "bearer" and challenge.parameters.get("realm"):

                def refuse(status: int, headers: Message, body: bytes) -> LadingError:
                    return errors.from_response(
                        status, headers, body, access.reference, is_push=access.is_push
                    )

                scopes = access.scopes
                return fetch(
                    transport, challenge, scopes, credentials, cancellation, refuse=refuse
                ).grant
            if challenge.scheme == "basic" and credentials.username:
                return basic(credentials)
        return None

    return authorize


def basic(credentials: Credentials) -> Grant:
    """Name and password as they are."""
    return Grant(_basic(credentials))


def fetch(
    transport: Transport,
    challenge: Challenge,
    scopes: Sequence[str],
    credentials: Credentials,
    cancellation: Cancellation,
    *,
    refuse: Refuse,
    offline: bool = False,
) -> Token:
    """Get a token; `offline` asks for an identity token as well.

    Raises what `refuse` makes of an answer that is no token, InvalidAnswer, Unreachable.
    """
    realm = challenge.parameters["realm"]
    if not credentials.is_empty and not _is_safe(realm, transport):
        raise InsecureRealm(realm)
    if credentials.identity_token:
        response = _post(transport, challenge, scopes, credentials, cancellation)
    else:
        response = _get(transport, challenge, scopes, credentials, cancellation, offline=offline)
        if response.status in (404, 405) and credentials.username:
            response.close()  # a server that knows the OAuth 2 form only
            response = _post(transport, challenge, scopes, credentials, cancellation)
    with response:
        body = response.read_all(TOKEN_LIMIT)
        if response.status != 200:
            raise refuse(response.status, response.headers, body)
    try:
        answer = msgspec.json.decode(body, type=Token)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise errors.InvalidAnswer(f"unable to decode token response: {error}") from error
    if not (answer.token or answer.access_token):
        raise errors.InvalidAnswer("authorization server did not include a token in the response")
    return answer


def _get(
    transport: Transport,
    challenge: Challenge,
    scopes: Sequence[str],
    credentials: Credentials,
    cancellation: Cancellation,
    *,
    offline: bool,
) -> Response:
    query = [("scope", scope) for scope in scopes]
    if offline:
        query = [("offline_token", "true"), ("client_id", CLIENT_ID), *query]
    if credentials.username:
        query.insert(0, ("account", credentials.username))
    if service := challenge.parameters.get("service"):
        query.insert(0, ("service", service))
    realm = challenge.parameters["realm"]
    url = realm + ("&" if "?" in realm else "?") + urlencode(query) if query else realm
    headers = {"Authorization": _basic(credentials)} if credentials.username else {}
    return transport.request("GET", url, headers, cancellation=cancellation)


def _post(
    transport: Transport,
    challenge: Challenge,
    scopes: Sequence[str],
    credentials: Credentials,
    cancellation: Cancellation,
) -> Response:
    form = {"service": challenge.parameters.get("service", ""), "client_id": CLIENT_ID}
    if credentials.identity_token:
        form |= {"grant_type": "refresh_token", "refresh_token": credentials.identity_token}
    else:
        form |= {"grant_type": "password", "username": credentials.username}
        form["password"] = credentials.password
    if scopes:
        form["scope"] = " ".join(scopes)
    return transport.request(
        "POST",
        challenge.parameters["realm"],
        {"Content-Type": "application/x-www-form-urlencoded"},
        cancellation=cancellation,
        body=BytesBody(urlencode(form).encode()),
    )


def _basic(credentials: Credentials) -> str:
    pair = f"{credentials.username}:{credentials.password}"
    return "Basic " + base64.b64encode(pair.encode()).decode()


def _is_safe(realm: str, transport: Transport) -> bool:
    """Whether a password may go there: over TLS, or to a host that need not have it."""
    return urlsplit(realm).scheme == "https" or transport.is_insecure(realm)
