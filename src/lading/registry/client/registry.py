"""From a reference to the endpoint that has it, or that takes it."""

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from lading.errors import LadingError
from lading.oci.manifest import Descriptor
from lading.oci.reference import DEFAULT_TAG, Reference
from lading.registry.client import errors, tokens
from lading.registry.client.access import PUSH, Access, Credentials
from lading.registry.client.cancellation import Cancellation, Cancelled
from lading.registry.client.endpoints import Endpoint, Settings, candidates
from lading.registry.client.repository import FetchedManifest, Repository
from lading.registry.client.retry import RetryPolicy
from lading.registry.client.session import Session
from lading.registry.client.transport import Transport
from lading.registry.client.uploads import Uploads

T = TypeVar("T")


class Registry:
    """All registries as this engine reaches them; one per engine, used by all threads."""

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        transport: Transport | None = None,
        policy: RetryPolicy | None = None,
    ) -> None:
        self.settings = settings or Settings()
        self.policy = policy or RetryPolicy()
        self.transport = transport or Transport(self.settings)
        self._anonymous = tokens.anonymous(self.transport)

    def reconfigure(self, settings: Settings, policy: RetryPolicy) -> None:
        """From the next request on; what goes on keeps its connections."""
        former = self.transport
        self.settings, self.policy = settings, policy
        self.transport = Transport(settings)
        self._anonymous = tokens.anonymous(self.transport)
        former.close()

    def trusting(self, domain: str) -> "Registry":
        """The same, but this registry needs no certificate that is trusted, and no TLS at all."""
        settings = self.settings._replace(insecure=(*self.settings.insecure, domain))
        return Registry(settings, policy=self.policy)

    def authorizer(self, credentials: Credentials) -> tokens.Authorize:
        """How challenges are answered with these credentials."""
        return tokens.authorizer(self.transport, credentials)

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
        return self._first(
            Access(reference),
            "pull",
            lambda repository: repository.resolve(target),
            cancellation,
            authorize,
        )

    def tags(
        self,
        reference: Reference,
        *,
        cancellation: Cancellation,
        authorize: tokens.Authorize | None = None,
    ) -> list[str]:
        """Every tag of the repository. Raises as `resolve`."""
        return self._first(
            Access(reference),
            "resolve",
            lambda repository: list(repository.tags()),
            cancellation,
            authorize,
        )[1]

    def open_for_push(
        self,
        access: Access,
        *,
        cancellation: Cancellation,
        authorize: tokens.Authorize | None = None,
    ) -> Uploads:
        """The first endpoint that answers and takes pushes."""
        writing = access._replace(actions=PUSH)
        repository, _ = self._first(writing, "push", lambda _: None, cancellation, authorize)
        return Uploads(repository.session, self.policy)

    def _first(
        self,
        access: Access,
        capability: str,
        ask: Callable[[Repository], T],
        cancellation: Cancellation,
        authorize: tokens.Authorize | None,
    ) -> tuple[Repository, T]:
        last: LadingError | None = None
        domain = access.reference.domain
        for endpoint in candidates(domain, self.settings, capability=capability):
            # a registry's credentials are not for its mirrors
            own = None if endpoint.is_mirror and capability != "push" else authorize
            session = Session(
                access,
                endpoint,
                transport=self.transport,
                authorize=own or self._anonymous,
                cancellation=cancellation,
            )
            repository = Repository(session)
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
                return repository, self.persist(partial(ask, repository), cancellation)
            except Cancelled:
                raise
            except LadingError as error:
                if not endpoint.is_mirror:
                    raise
                last = error
        raise last or errors.RegistryRefused(f"no endpoint for {domain}")

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
        self.transport.close()


def _may_pass(endpoint: Endpoint, error: LadingError) -> bool:
    """Whether the next endpoint is worth asking after this ping."""
    return endpoint.is_mirror or (isinstance(error, errors.Unreachable) and endpoint.may_be_plain)
