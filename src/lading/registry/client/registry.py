"""From a reference to the endpoint that has it."""

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from lading.errors import LadingError
from lading.oci.manifest import Descriptor
from lading.oci.reference import DEFAULT_TAG, Reference
from lading.registry.client import errors, tokens
from lading.registry.client.cancellation import Cancellation, Cancelled
from lading.registry.client.endpoints import Endpoint, Settings, candidates
from lading.registry.client.repository import FetchedManifest, Repository
from lading.registry.client.retry import RetryPolicy
from lading.registry.client.transport import Transport

T = TypeVar("T")


class Registry:
    """All registries as this engine reaches them; one per engine, used by all threads."""

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        transport: Transport | None = None,
        authorize: tokens.Authorize | None = None,
        policy: RetryPolicy | None = None,
    ) -> None:
        self.settings = settings or Settings()
        self.policy = policy or RetryPolicy()
        self._transport = transport or Transport(self.settings)
        self._authorize = authorize or tokens.anonymous(self._transport)

    def resolve(
        self,
        reference: Reference,
        *,
        cancellation: Cancellation,
        authorize: tokens.Authorize | None = None,
    ) -> tuple[Repository, Descriptor]:
        """The first endpoint that has the reference, and what it names there.

        A mirror may fail in any way and the next one is asked; an insecure registry is asked by
        http when it cannot be reached by https. Raises what the last endpoint answered.
        """
        target = reference.digest or reference.tag or DEFAULT_TAG
        last: LadingError | None = None
        for endpoint in candidates(reference.domain, self.settings):
            repository = Repository(
                reference,
                endpoint,
                transport=self._transport,
                authorize=authorize or self._authorize,
                cancellation=cancellation,
            )
            try:
                repository.ping()
            except Cancelled:
                raise
            except LadingError as error:
                if not _may_pass(endpoint, error):
                    raise
                last = error
                continue
            try:
                described = self.persist(partial(repository.resolve, target), cancellation)
                return repository, described
            except Cancelled:
                raise
            except LadingError as error:
                if not endpoint.is_mirror:
                    raise
                last = error
        raise last or errors.RegistryRefused(f"no endpoint for {reference.domain}")

    def fetch_manifest(
        self, repository: Repository, digest: str, *, cancellation: Cancellation
    ) -> FetchedManifest:
        """`Repository.manifest`, tried again while the failure may pass."""
        return self.persist(lambda: repository.manifest(digest), cancellation)

    def persist(self, attempt: Callable[[], T], cancellation: Cancellation) -> T:
        """Call until it succeeds, fails for good, or the attempts are used up."""
        failures = 0
        while True:
            try:
                return attempt()
            except errors.TRANSIENT as error:
                failures += 1
                asked_s = error.retry_after_s if isinstance(error, errors.RegistryBusy) else None
                delay_s = self.policy.delay_s(failures, asked_s)
                if delay_s is None:
                    raise
                cancellation.sleep(delay_s)

    def close(self) -> None:
        """Close the connections that wait for use."""
        self._transport.close()


def _may_pass(endpoint: Endpoint, error: LadingError) -> bool:
    """Whether the next endpoint is worth asking after this ping."""
    return endpoint.is_mirror or (
        isinstance(error, errors.Unreachable)
        and endpoint.url.startswith("https:")
        and not endpoint.verify
    )
