"""Go's literals: quoted texts and numbers. Source: Go specification, "Lexical elements"."""

from __future__ import annotations

_SIMPLE = {
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
    "\\": "\\",
}
_DIGITS = {
    "0x": ("0123456789abcdefABCDEF_", "pP"),
    "0o": ("01234567_", ""),
    "0b": ("01_", ""),
}
_HEX = {"x": 2, "u": 4, "U": 8}


def unquote(text: str) -> str | None:
    """The text in double or back quotes; None when an escape is wrong."""
    if text.startswith("`"):
        return text[1:-1].replace("\r", "")
    return _unescaped(text[1:-1], '"')


def unquote_character(text: str) -> int | None:
    """The code point in single quotes; None when there is not exactly one."""
    value = _unescaped(text[1:-1], "'")
    return ord(value) if value is not None and len(value) == 1 else None


def _unescaped(text: str, quote: str) -> str | None:
    if "\\" not in text:
        return text
    encoded = bytearray()  # \xff is a byte, so bytes are collected, and read as UTF-8 in the end
    position = 0
    while position < len(text):
        letter = text[position]
        position += 1
        if letter != "\\":
            encoded += letter.encode("utf-8", "surrogatepass")
            continue
        piece, length = _escape(text[position:], quote)
        if piece is None:
            return None
        encoded += piece
        position += length
    return encoded.decode("utf-8", "replace")


def _escape(rest: str, quote: str) -> tuple[bytes | None, int]:
    """The bytes that an escape stands for, and its length behind the backslash."""
    letter = rest[:1]
    if letter in _SIMPLE:
        return _SIMPLE[letter].encode(), 1
    if letter == quote:
        return letter.encode(), 1
    if letter in _HEX:
        digits = rest[1 : 1 + _HEX[letter]]
        if len(digits) < _HEX[letter] or digits.strip("0123456789abcdefABCDEF"):
            return None, 0
        code = int(digits, 16)
        if letter == "x":
            return bytes([code]), 3
        if code > 0x10FFFF or 0xD800 <= code < 0xE000:
            return None, 0
        return chr(code).encode(), 1 + len(digits)
    digits = rest[:3]
    if len(digits) == 3 and not digits.strip("01234567") and int(digits, 8) < 256:
        return bytes([int(digits, 8)]), 3
    return None, 0


def number_end(text: str, start: int) -> int:
    """Behind a number: sign, digits of the base that the prefix says, one point, an exponent."""
    end = start + (text[start] in "+-")
    prefix = text[end : end + 2].lower()
    digits, exponent = _DIGITS.get(prefix, ("0123456789_", "eE"))
    end = _behind(text, end + (2 if prefix in _DIGITS else 0), digits)
    if text[end : end + 1] == ".":
        end = _behind(text, end + 1, digits)
    if exponent and text[end : end + 1] in tuple(exponent):
        end += 1
        end = _behind(text, end + (text[end : end + 1] in ("+", "-")), "0123456789_")
    return end


def _behind(text: str, position: int, letters: str) -> int:
    while text[position : position + 1] and text[position] in letters:
        position += 1
    return position


def parse_number(text: str) -> int | float | None:
    """Go's number: 1, 0x1F, 0b1, 1_000, 017 (octal), 1.5e3; None when it is none."""
    if not text.isascii() or text != text.strip():
        return None
    digits = text.lstrip("+-")
    if len(text) - len(digits) > 1:
        return None
    try:
        if len(digits) > 1 and digits[0] == "0" and digits.replace("_", "").isdigit():
            return int(text.replace(digits, "0o" + digits[1:]), 0)
        return int(text, 0)
    except ValueError:
        pass
    if digits[:1] not in "0123456789.":
        return None
    try:
        return float.fromhex(text) if "0x" in text.lower() else float(text)
    except ValueError:
        return None
