"""Detach keys: `ctrl-p,ctrl-q` typed in a row leave the container running.

The engine acts on them (it sees every key, and knows the sequence from the request). The command
watches the same keys go by, to tell a stream that ended for a detach from one that ended because
the container did.
"""

from __future__ import annotations

from lading.cli.failures import Failure

DEFAULT = "ctrl-p,ctrl-q"
_CONTROL = {"@": 0, "[": 27, "\\": 28, "]": 29, "^": 30, "_": 31}


def parse(text: str) -> bytes:
    """`ctrl-a,x` as the bytes of the keys. Raises ValueError."""
    codes = []
    for key in text.split(","):
        if len(key) == 1:
            codes.append(ord(key))
            continue
        letter = key.lower().removeprefix("ctrl-") if key.lower().startswith("ctrl-") else ""
        if len(letter) == 1 and "a" <= letter <= "z":
            codes.append(ord(letter) - ord("a") + 1)
        elif letter in _CONTROL:
            codes.append(_CONTROL[letter])
        else:
            raise ValueError(f"Unknown character: '{key}'")
    return bytes(codes)


class KeyWatcher:
    """Sees keys go by and remembers whether the sequence was among them."""

    def __init__(self, text: str) -> None:
        try:
            self._keys = parse(text or DEFAULT)
        except ValueError as error:
            raise Failure(f"invalid detach keys ({text}): {error}", 125) from error
        self._recent = b""
        self.has_seen_them = False

    def feed(self, data: bytes) -> None:
        self._recent += data
        self.has_seen_them = self.has_seen_them or self._keys in self._recent
        self._recent = self._recent[-(len(self._keys) - 1) :] if len(self._keys) > 1 else b""
