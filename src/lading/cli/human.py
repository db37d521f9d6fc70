"""Texts as people read them: cut to a width, quoted."""

from __future__ import annotations


def ellipsis(text: str, width: int) -> str:
    """At most `width` characters, the last one `…` when some are missing."""
    return text if len(text) <= width else text[: width - 1] + "…"


def quoted(text: str) -> str:
    """As Go's %q: escapes for what cannot be printed."""
    simple = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r", "\a": "\\a"}
    simple |= {"\b": "\\b", "\f": "\\f", "\v": "\\v"}
    return '"' + "".join(simple.get(letter) or _printable(letter) for letter in text) + '"'


def _printable(letter: str) -> str:
    if letter.isprintable():
        return letter
    code = ord(letter)
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
