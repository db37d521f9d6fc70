"""The signature policy: a file in the format of containers-policy.json(5), as podman reads it.

    {"default": [{"type": "reject"}],
     "transports": {"docker": {
        "docker.io": [{"type": "insecureAcceptAnything"}],
        "example.org/team": [{"type": "sigstoreSigned", "keyPath": "/etc/lading/team.pub"}]}}}

The longest scope that a name lies in decides: the whole reference, the repository, its parents,
the registry, `*.domain`, "" (any registry), else `default`. All requirements of a scope must hold.
What is not understood is an error, never a permission: a typo must not open the door.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec
from msgspec import Struct

from lading.errors import InvalidArgument
from lading.oci import reference as references
from lading.oci.reference import InvalidReference, Reference

ACCEPT, REJECT, SIGSTORE = "insecureAcceptAnything", "reject", "sigstoreSigned"
SIZE_LIMIT = 1 << 20  # bytes
EXACT = "matchExact"
REPOSITORY = "matchRepository"
DIGEST_OR_EXACT = "matchRepoDigestOrExact"
EXACT_REFERENCE = "exactReference"
EXACT_REPOSITORY = "exactRepository"
IDENTITIES = frozenset({EXACT, REPOSITORY, DIGEST_OR_EXACT, EXACT_REFERENCE, EXACT_REPOSITORY})


class BadPolicy(InvalidArgument):
    """signature policy {0}: {1}"""


class Identity(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Which name a signature must be for."""

    type: str = DIGEST_OR_EXACT
    docker_reference: str = ""
    docker_repository: str = ""


class Requirement(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """One thing that must hold: for `sigstoreSigned`, a signature by one of the keys."""

    type: str
    key_path: str = ""
    key_paths: tuple[str, ...] = ()
    key_data: str = ""  # base64 of a PEM file
    key_datas: tuple[str, ...] = ()
    signed_identity: Identity = Identity()

    @property
    def paths(self) -> tuple[str, ...]:
        """Files of keys."""
        return (self.key_path,) if self.key_path else self.key_paths

    @property
    def datas(self) -> tuple[str, ...]:
        """Keys that are in the policy itself."""
        return (self.key_data,) if self.key_data else self.key_datas


Requirements = Sequence[Requirement]


class _Document(Struct, frozen=True, forbid_unknown_fields=True):
    default: list[Requirement]
    transports: dict[str, dict[str, list[Requirement]]] = {}


class Policy(NamedTuple):
    """A policy that was read: what holds for scopes, and for the rest."""

    scopes: dict[str, list[Requirement]]
    default: Requirements

    def requirements(self, reference: Reference) -> Requirements:
        """What must hold for an image of that name."""
        for scope in scopes_of(reference):
            if scope in self.scopes:
                return self.scopes[scope]
        return self.default


def parse(data: bytes, name: str) -> Policy:
    """Read a policy; `name` is for errors. Raises BadPolicy."""
    try:
        document = msgspec.json.decode(data, type=_Document)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadPolicy(name, error) from error
    policy = Policy(document.transports.get("docker", {}), document.default)
    for scope, requirements in [("default", policy.default), *policy.scopes.items()]:
        if not requirements:
            raise BadPolicy(name, f"{scope!r}: at least one requirement is needed")
        for requirement in requirements:
            if fault := _fault(requirement):
                raise BadPolicy(name, f"{scope!r}: {fault}")
    return policy


def scopes_of(reference: Reference) -> Iterator[str]:
    """The scopes that a name lies in, the narrowest first."""
    yield str(reference)
    scope = reference.name
    while scope:
        yield scope
        scope = scope.rpartition("/")[0]
    host = reference.domain
    while "." in host:
        host = host.partition(".")[2]
        yield f"*.{host}"
    yield ""


def _fault(requirement: Requirement) -> str:
    """What is wrong with a requirement, "" if nothing."""
    if requirement.type not in (ACCEPT, REJECT, SIGSTORE):
        return f"unsupported type {requirement.type!r}"
    sources = [
        requirement.key_path, requirement.key_paths, requirement.key_data, requirement.key_datas,
    ]  # fmt: skip
    given = sum(bool(source) for source in sources)
    if requirement.type != SIGSTORE:
        return "keys are for sigstoreSigned only" if given else ""
    if given != 1:
        return "exactly one of keyPath, keyPaths, keyData and keyDatas is needed"
    return _identity_fault(requirement.signed_identity)


def _identity_fault(identity: Identity) -> str:
    if identity.type not in IDENTITIES:
        return f"unsupported signedIdentity {identity.type!r}"
    named = {
        EXACT_REFERENCE: identity.docker_reference,
        EXACT_REPOSITORY: identity.docker_repository,
    }
    if identity.type in named:
        try:
            references.parse(named[identity.type])
        except InvalidReference as error:
            return f"{identity.type}: {error}"
    return ""
