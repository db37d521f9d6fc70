"""The keys that let go of a terminal: found in the stream of input, however it is cut up.

A pure state machine. The part of the sequence seen so far is held back; when the next byte does not
continue it, whatever can no longer be part of the sequence is passed on. So input `ctrl-p` alone
arrives with the next key, as with every engine that knows these keys.
"""

from lading.errors import InvalidArgument

DEFAULT = "ctrl-p,ctrl-q"
_CONTROL = "@abcdefghijklmnopqrstuvwxyz[\\]^_"  # ctrl-@ is 0, ctrl-a is 1, ... ctrl-_ is 31


class BadDetachKeys(InvalidArgument):
    """Invalid detach keys ({0}) provided"""


class BadEscapeKeys(InvalidArgument):
    """Invalid escape keys ({0}) provided"""


def parse_keys(spec: str | None, *, error: type[InvalidArgument] = BadDetachKeys) -> bytes:
    """The bytes of `ctrl-p,ctrl-q` or `a,b`; nothing asked is the default. Raises `error`."""
    keys = bytearray()
    for word in (spec or DEFAULT).split(","):
        if word.startswith("ctrl-") and len(word) == 6 and word[5] in _CONTROL:
            keys.append(_CONTROL.index(word[5]))
        elif word == "DEL":
            keys.append(127)
        elif len(word) == 1 and word.isascii():
            keys += word.encode()
        else:
            raise error(spec)
    return bytes(keys)


class Recogniser:
    """Looks for one sequence in a stream of input."""

    def __init__(self, keys: bytes) -> None:
        self._keys = keys
        self._held = b""  # always a true prefix of the sequence

    def feed(self, data: bytes) -> tuple[bytes, bool]:
        """(what to pass on, whether the sequence was typed); after that, feed no more."""
        if not self._held and self._keys[0] not in data:
            return data, False
        passed = bytearray()
        for byte in data:
            self._held += bytes([byte])
            if self._held == self._keys:
                return bytes(passed), True
            while not self._keys.startswith(self._held):
                passed.append(self._held[0])
                self._held = self._held[1:]
        return bytes(passed), False

    def end(self) -> bytes:
        """What was held back, when the input ends without the sequence."""
        held, self._held = self._held, b""
        return held
