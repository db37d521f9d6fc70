"""Searching an index: the old v1 API of Docker's index, `GET /v1/search?q=TERM&n=25`."""

from collections.abc import Callable, Mapping, Sequence
from urllib.parse import urlencode

import msgspec
from msgspec import Struct

from lading.errors import InvalidArgument, LadingError
from lading.oci.reference import DEFAULT_DOMAIN
from lading.registry.client import errors, tokens
from lading.registry.client.access import Credentials
from lading.registry.client.cancellation import Cancellation
from lading.registry.client.endpoints import Endpoint, candidates
from lading.registry.client.registry import Registry

INDEX = "index.docker.io"
ANSWER_LIMIT = 16 * 1024 * 1024  # bytes
LARGEST_LIMIT = 100


class BadLimit(InvalidArgument):
    """limit {0} is outside the range of [1, 100]"""


class BadSearchFilter(InvalidArgument):
    """invalid filter '{0}'"""


class Hit(Struct):
    """One repository; the names are those of the index."""

    name: str = ""
    description: str | None = None
    is_official: bool = False
    is_automated: bool = False
    star_count: int = 0


class _Answer(Struct):
    results: list[Hit] | None = None


def parse_filters(filters: Mapping[str, Sequence[str]]) -> Callable[[Hit], bool]:
    """Which hits are wanted, by `stars`, `is-official` and `is-automated`.

    Raises BadSearchFilter.
    """
    for name in ("is-official", "is-automated"):
        for value in filters.get(name, ()):
            if value not in ("true", "false"):
                raise BadSearchFilter(f"{name}={value}")
    stars = 0
    for value in filters.get("stars", ()):
        if not (value.isascii() and value.isdigit()):
            raise BadSearchFilter(f"stars={value}")
        stars = max(stars, int(value))
    official = filters.get("is-official", ())
    automated = filters.get("is-automated", ())

    def wanted(hit: Hit) -> bool:
        return (
            hit.star_count >= stars
            and (not official or str(hit.is_official).lower() in official)
            and (not automated or "false" in automated)  # there are no automated builds any more
        )

    return wanted


def search(
    registry: Registry,
    term: str,
    limit: int,
    credentials: Credentials,
    cancellation: Cancellation,
) -> list[Hit]:
    """Ask the index, or the registry that the term begins with ("example.org/app").

    Raises BadLimit, Unreachable, RegistryRefused.
    """
    if not 1 <= limit <= LARGEST_LIMIT:
        raise BadLimit(limit)
    domain, rest = _split(term)
    last: LadingError | None = None
    for endpoint in _endpoints(domain, registry):
        try:
            return _ask(registry, endpoint, rest, limit, credentials, cancellation)
        except errors.Unreachable as error:
            if not endpoint.may_be_plain:
                raise
            last = error
    raise last or errors.RegistryRefused(f"no endpoint for {domain}")


def _split(term: str) -> tuple[str, str]:
    first, slash, rest = term.partition("/")
    is_host = slash and ("." in first or ":" in first or first == "localhost")
    return (first, rest) if is_host else (DEFAULT_DOMAIN, term.removeprefix("library/"))


def _endpoints(domain: str, registry: Registry) -> list[Endpoint]:
    if domain in (DEFAULT_DOMAIN, INDEX):
        return [Endpoint(f"https://{INDEX}")]
    return candidates(domain, registry.settings)


def _ask(
    registry: Registry,
    endpoint: Endpoint,
    term: str,
    limit: int,
    credentials: Credentials,
    cancellation: Cancellation,
) -> list[Hit]:
    url = f"{endpoint.url}/v1/search?{urlencode({'q': term, 'n': limit})}"
    headers = {"Authorization": tokens.basic(credentials).value} if credentials.username else {}
    with registry.transport.request(
        "GET", url, headers, trust=endpoint.trust, cancellation=cancellation
    ) as response:
        body = response.read_all(ANSWER_LIMIT)
        if response.status != 200:
            raise errors.RegistryRefused(f"Unexpected status code {response.status}")
    try:
        return msgspec.json.decode(body, type=_Answer).results or []
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise errors.InvalidAnswer(f"{url}: {error}") from error
