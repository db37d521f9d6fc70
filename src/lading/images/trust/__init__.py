"""Whose images may be pulled: a policy file, and signatures in the registry that satisfy it.

policy       the file (containers-policy.json): which requirements hold for a name
payload      what a signature says, and whether that is about this image
keys         public keys, and whether one of them signed these bytes
signatures   where cosign puts signatures, and how they are fetched
verify       all of it: `Trust.check` lets a pull go on, or raises SignatureRefused
"""

from lading.images.trust.verify import SignatureRefused, Trust

__all__ = ["SignatureRefused", "Trust"]
