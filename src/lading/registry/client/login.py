"""`POST /auth`: are these credentials good for that registry?

Docker's way: GET /v2/ with them, and for token servers ask for an identity token as well.
"""

from email.message import Message
from http.client import responses

from lading.errors import LadingError, Unauthorized
from lading.oci.reference import DEFAULT_DOMAIN
from lading.registry.client import challenge as challenges
from lading.registry.client import errors, tokens
from lading.registry.client.access import Credentials
from lading.registry.client.cancellation import Cancellation
from lading.registry.client.endpoints import Endpoint, candidates
from lading.registry.client.registry import Registry
from lading.registry.client.response import Response
from lading.registry.client.session import ERROR_LIMIT

HUB_INDEX = frozenset({"", "index.docker.io", "docker.io", "registry-1.docker.io"})


class LoginRefused(Unauthorized):
    """{0}"""


def domain_of(server_address: str) -> str:
    """The registry that an AuthConfig's address means: a URL of any age, or a host."""
    rest = server_address.partition("://")[2] or server_address
    host = rest.partition("/")[0]
    return DEFAULT_DOMAIN if host in HUB_INDEX else host


def login(
    registry: Registry,
    server_address: str,
    credentials: Credentials,
    cancellation: Cancellation,
) -> str:
    """Try the credentials; returns an identity token to keep instead of the password, or "".

    Raises LoginRefused, Unreachable.
    """
    last: LadingError | None = None
    for endpoint in candidates(domain_of(server_address), registry.settings, capability="push"):
        try:
            return _try(registry, endpoint, credentials, cancellation)
        except errors.Unreachable as error:
            if not endpoint.may_be_plain:
                raise
            last = error
    raise last or errors.RegistryRefused(f"no endpoint for {server_address}")


def _try(
    registry: Registry, endpoint: Endpoint, credentials: Credentials, cancellation: Cancellation
) -> str:
    url = f"{endpoint.root}/"
    with _get(registry, endpoint, url, None, cancellation) as response:
        response.read_all(ERROR_LIMIT)
        if response.status == 200:
            return ""  # nobody is asked for a name there
        offered = challenges.parse(response.headers.get("WWW-Authenticate", ""))
    grant, identity = _grant(registry, url, offered, credentials, cancellation)
    if grant is None:
        raise LoginRefused(_status_text(url, response.status))
    with _get(registry, endpoint, url, grant, cancellation) as response:
        response.read_all(ERROR_LIMIT)
        if response.status != 200:
            raise LoginRefused(_status_text(url, response.status))
    return identity


def _grant(
    registry: Registry,
    url: str,
    offered: list[challenges.Challenge],
    credentials: Credentials,
    cancellation: Cancellation,
) -> tuple[tokens.Grant | None, str]:
    def refuse(status: int, headers: Message, body: bytes) -> LadingError:
        cause = errors.cause(status, headers, body)
        return LoginRefused(f'Get "{url}": {cause}')

    for challenge in offered:
        if challenge.scheme == "bearer" and challenge.parameters.get("realm"):
            token = tokens.fetch(
                registry.transport,
                challenge,
                (),
                credentials,
                cancellation,
                refuse=refuse,
                offline=True,
            )
            return token.grant, token.refresh_token
        if challenge.scheme == "basic":
            return (tokens.basic(credentials) if credentials.username else None), ""
    return None, ""


def _get(
    registry: Registry,
    endpoint: Endpoint,
    url: str,
    grant: tokens.Grant | None,
    cancellation: Cancellation,
) -> Response:
    headers = {**dict(endpoint.headers)}
    if grant:
        headers["Authorization"] = grant.value
    return registry.transport.request(
        "GET", url, headers, trust=endpoint.trust, cancellation=cancellation
    )


def _status_text(url: str, status: int) -> str:
    said = f"{status} {responses.get(status, '')}".strip()
    return f"login attempt to {url} failed with status: {said}"
