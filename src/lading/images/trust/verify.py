"""Trust: may this image be pulled? Asked after its manifest is known and before its layers are.

A signature is for a digest: for the index that a tag names, or for the manifest of the platform
that is chosen; either will do, for everything below a digest is what it says. The policy is read
anew for each pull, and when it cannot be read nothing is pulled.
"""

from collections.abc import Sequence

from lading.errors import PermissionDenied
from lading.images.trust import keys, payload, policy, signatures
from lading.images.trust.keys import Key
from lading.images.trust.policy import BadPolicy, Policy, Requirement
from lading.images.trust.signatures import Signature
from lading.oci.reference import Reference
from lading.registry.client import Repository


class SignatureRefused(PermissionDenied):
    """{0} is refused by the signature policy: {1}"""


class Trust:
    """One policy file."""

    def __init__(self, path: str) -> None:
        self._path = path

    def policy(self) -> Policy:
        """What the file says now. Raises BadPolicy."""
        try:
            with open(self._path, "rb") as file:
                data = file.read(policy.SIZE_LIMIT)
        except OSError as error:
            raise BadPolicy(self._path, error.strerror) from error
        return policy.parse(data, self._path)

    def check(self, repository: Repository, reference: Reference, digests: Sequence[str]) -> str:
        """Let an image pass; returns by which keys ("" if none were asked for).

        `digests`: any of these being signed is enough. Raises SignatureRefused, BadPolicy, and
        what the registry says.
        """
        required = self.policy().requirements(reference)
        loaded = [(each, keys.load(each)) for each in required]
        if any(each.type == policy.REJECT for each in required):
            raise SignatureRefused(reference.familiar, "no image of this name may be pulled")
        wanted = [pair for pair in loaded if pair[0].type == policy.SIGSTORE]
        if not wanted:
            return ""
        found = [(d, s) for d in digests for s in signatures.fetch(repository, d)]
        if not found:
            raise SignatureRefused(reference.familiar, f"no signature of {digests[0]} exists")
        by = [_signer(reference, found, *pair) for pair in wanted]
        return ", ".join(dict.fromkeys(by))


def _signer(
    reference: Reference,
    found: Sequence[tuple[str, Signature]],
    requirement: Requirement,
    known: Sequence[Key],
) -> str:
    """The key by which a requirement holds. Raises SignatureRefused."""
    objections = []
    for digest, signature in found:
        by = next((k for k in known if k.verifies(signature.signature, signature.payload)), None)
        if by is None:
            continue
        # only what is signed by a key of ours is worth reading
        why_not = payload.objection(
            signature.payload, digest, reference, requirement.signed_identity
        )
        if not why_not:
            return by.name
        objections.append(f"the signature by {by.name} does not count: {why_not}")
    names = ", ".join(key.name for key in known)
    raise SignatureRefused(
        reference.familiar,
        "; ".join(dict.fromkeys(objections)) or f"none of its signatures is by {names}",
    )
