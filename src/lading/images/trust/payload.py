"""What a signature says: "simple signing", a JSON document about one digest and one name.

    {"critical": {"type": "cosign container image signature",
                  "image": {"docker-manifest-digest": "sha256:..."},
                  "identity": {"docker-reference": "registry.example.org/team/app"}},
     "optional": {...}}

cosign writes the repository there, without a tag; tools of the containers project write the tag,
too. A name without a tag vouches for every tag of its repository.
Source: cosign, specs/SIGNATURE_SPEC.md; containers/image, docs/containers-signature.5.md.
"""

import msgspec
from msgspec import Struct

from lading.images.trust import policy as policies
from lading.images.trust.policy import Identity
from lading.oci import reference as references
from lading.oci.reference import InvalidReference, Reference

TYPES = ("cosign container image signature", "atomic container signature")


class _Image(Struct):
    digest: str = msgspec.field(name="docker-manifest-digest")


class _Name(Struct):
    reference: str = msgspec.field(name="docker-reference")


class _Critical(Struct, forbid_unknown_fields=True):
    """Critical means that who does not understand all of it must refuse."""

    type: str
    image: _Image
    identity: _Name


class _Payload(Struct):
    critical: _Critical


def objection(data: bytes, digest: str, wanted: Reference, identity: Identity) -> str:
    """Why these bytes do not vouch for the image `digest` under a name; "" when they do."""
    try:
        critical = msgspec.json.decode(data, type=_Payload).critical
        claimed = references.parse(critical.identity.reference)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return f"its payload is damaged: {error}"
    except InvalidReference as error:
        return f"its identity is no name: {error}"
    if critical.type not in TYPES:
        return f"it is of type {critical.type!r}"
    if critical.image.digest != digest:
        return f"it is for {critical.image.digest}"
    if not _is_named(claimed, wanted, identity):
        return f"it is for {critical.identity.reference}"
    return ""


def _is_named(claimed: Reference, wanted: Reference, identity: Identity) -> bool:
    kind = identity.type
    if kind == policies.EXACT_REFERENCE:
        return claimed == references.parse(identity.docker_reference)
    if kind == policies.EXACT_REPOSITORY:
        return claimed.name == references.parse(identity.docker_repository).name
    if claimed.name != wanted.name:
        return False
    if kind == policies.REPOSITORY:
        return True
    if kind == policies.DIGEST_OR_EXACT and (wanted.digest or not claimed.tag):
        return True
    return claimed.tag == wanted.tag and claimed.digest == wanted.digest
