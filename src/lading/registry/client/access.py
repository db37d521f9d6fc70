"""What somebody wants to do at a registry, and with whose name: scopes and credentials.

A scope is `repository:NAME:ACTION[,ACTION]`. Source: distribution, "Token Scope Documentation".
"""

from typing import NamedTuple

from lading.oci.reference import Reference

PULL, PUSH = "pull", "pull,push"


class Access(NamedTuple):
    """One repository and what is done there; `sources` are others that blobs are mounted from."""

    reference: Reference
    actions: str = PULL
    sources: tuple[str, ...] = ()

    @property
    def is_push(self) -> bool:
        """Whether something is written."""
        return self.actions == PUSH

    @property
    def scopes(self) -> tuple[str, ...]:
        """What to ask the token server for."""
        others = (f"repository:{path}:{PULL}" for path in self.sources)
        return (f"repository:{self.reference.path}:{self.actions}", *others)


class Credentials(NamedTuple):
    """Whoever somebody says they are; an identity token stands for a password."""

    username: str = ""
    password: str = ""
    identity_token: str = ""
    registry_token: str = ""  # a bearer token that is ready for use

    @property
    def is_empty(self) -> bool:
        """Whether nothing is known of them."""
        return not any(self)


ANONYMOUS = Credentials()
