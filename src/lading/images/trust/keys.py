"""Public keys: which they are, and whether one of them made a signature.

ECDSA with SHA-256 is what `cosign generate-key-pair` gives; Ed25519 and RSA (PKCS #1 v1.5) keys are
what cosign takes besides. `cryptography` is loaded only when a policy has keys: it costs 12 MB.
"""

import base64
import binascii
import hashlib
import importlib
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

from lading.images.trust.policy import BadPolicy, Requirement

KEY_BYTES = 64 * 1024  # of a file


class Key(NamedTuple):
    """One public key: how people know it, and how it verifies (signature, data)."""

    name: str
    verifies: Callable[[bytes, bytes], bool]


def load(requirement: Requirement) -> list[Key]:
    """The keys of a requirement. Raises BadPolicy for a file that holds none."""
    keys = []
    for path in requirement.paths:
        try:
            with open(path, "rb") as file:
                keys.append(_parse(path, file.read(KEY_BYTES)))
        except OSError as error:
            raise BadPolicy("key", f"{path}: {error.strerror}") from error
    for text in requirement.datas:
        try:
            data = base64.b64decode(text, validate=True)
        except binascii.Error as error:
            raise BadPolicy("keyData", error) from error
        keys.append(_parse(f"key {hashlib.sha256(data).hexdigest()[:12]}", data))
    return keys


@cache
def _parse(name: str, data: bytes) -> Key:
    crypto = "cryptography.hazmat.primitives"
    serialization = importlib.import_module(f"{crypto}.serialization")
    hashes = importlib.import_module(f"{crypto}.hashes")
    ec = importlib.import_module(f"{crypto}.asymmetric.ec")
    ed25519 = importlib.import_module(f"{crypto}.asymmetric.ed25519")
    rsa = importlib.import_module(f"{crypto}.asymmetric.rsa")
    padding = importlib.import_module(f"{crypto}.asymmetric.padding")
    invalid = importlib.import_module("cryptography.exceptions").InvalidSignature
    unsupported = importlib.import_module("cryptography.exceptions").UnsupportedAlgorithm
    try:
        key = serialization.load_pem_public_key(data)
    except (ValueError, TypeError, unsupported) as error:
        raise BadPolicy("key", f"{name}: not a public key in PEM form") from error
    words: tuple[object, ...] = ()  # what `verify` takes besides signature and data
    if isinstance(key, ec.EllipticCurvePublicKey):
        words = (ec.ECDSA(hashes.SHA256()),)
    elif isinstance(key, rsa.RSAPublicKey):
        words = (padding.PKCS1v15(), hashes.SHA256())
    elif not isinstance(key, ed25519.Ed25519PublicKey):
        raise BadPolicy("key", f"{name}: neither ECDSA nor Ed25519 nor RSA")

    def verifies(signature: bytes, signed: bytes) -> bool:
        try:
            key.verify(signature, signed, *words)
        except invalid:
            return False
        return True

    return Key(name, verifies)
