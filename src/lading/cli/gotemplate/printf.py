"""printf: verbs, flags, width, precision, argument indexes, and Go's texts for what does not fit.

Source: Go, package fmt ("Printing").
"""

from __future__ import annotations

from lading.cli.gotemplate.printing import general, text
from lading.cli.gotemplate.values import NilPointer, sorted_items, type_name
from lading.cli.human import quoted

MAX_WIDTH = 10_000  # Go refuses more than a million; nobody's terminal needs that


class _Directive:
    """What stands between `%` and the verb."""

    def __init__(self) -> None:
        self.flags = ""
        self.width: int | None = None
        self.precision: int | None = None
        self.problem = ""
        self.bad_index = False

    def padded(self, piece: str, *, numeric: bool = False) -> str:
        width = min(self.width or 0, MAX_WIDTH)
        if "-" in self.flags:
            return piece.ljust(width)
        if "0" in self.flags and numeric:
            sign = piece[:1] if piece[:1] in ("+", "-", " ") else ""
            return sign + piece[len(sign) :].rjust(width - len(sign), "0")
        return piece.rjust(width)


def sprintf(format: str, *arguments: object) -> str:
    """As fmt.Sprintf; what does not fit is said in the text."""
    return _Printf(format, list(arguments)).run()


class _Printf:
    def __init__(self, format: str, arguments: list[object]) -> None:
        self._rest = format
        self._arguments = arguments
        self._used = 0
        self._is_reordered = False

    def run(self) -> str:
        pieces = []
        while self._rest:
            plain, percent, self._rest = self._rest.partition("%")
            pieces.append(plain)
            if percent:
                pieces.append(self._one())
        if not self._is_reordered and self._used < len(self._arguments):
            extra = ", ".join(
                "<nil>" if value is None else f"{type_name(value)}={text(value)}"
                for value in self._arguments[self._used :]
            )
            pieces.append(f"%!(EXTRA {extra})")
        return "".join(pieces)

    def _one(self) -> str:
        directive = _Directive()
        while self._rest[:1] and self._rest[0] in "+-# 0":
            directive.flags += self._rest[0]
            self._rest = self._rest[1:]
        self._index(directive)
        directive.width = self._number(directive)
        if self._rest.startswith("."):
            self._rest = self._rest[1:]
            self._index(directive)
            directive.precision = self._number(directive) or 0
        self._index(directive)
        if not self._rest:
            return directive.problem + "%!(NOVERB)"
        verb, self._rest = self._rest[0], self._rest[1:]
        if verb == "%":
            return directive.problem + "%"
        if directive.bad_index:
            return f"%!{verb}(BADINDEX)"
        if self._used >= len(self._arguments):
            return directive.problem + f"%!{verb}(MISSING)"
        value = self._arguments[self._used]
        self._used += 1
        return directive.problem + formatted(verb, value, directive)

    def _index(self, directive: _Directive) -> None:
        """`[2]`: the argument that is taken next, counted from 1."""
        if not self._rest.startswith("["):
            return
        digits, closed, rest = self._rest[1:].partition("]")
        self._rest = rest if closed else self._rest[1:]
        self._is_reordered = True
        if closed and digits.isascii() and digits.isdigit() and len(digits) < 9:
            self._used = int(digits) - 1
        directive.bad_index = not (closed and 0 <= self._used < len(self._arguments)) or (
            not (digits.isascii() and digits.isdigit())
        )
        self._used = max(0, min(self._used, len(self._arguments)))

    def _number(self, directive: _Directive) -> int | None:
        if self._rest.startswith("*"):
            return self._from_argument(directive)
        digits = self._rest[: len(self._rest) - len(self._rest.lstrip("0123456789"))]
        self._rest = self._rest[len(digits) :]
        return min(int(digits[:9]), MAX_WIDTH) if digits else None

    def _from_argument(self, directive: _Directive) -> int | None:
        self._rest = self._rest[1:]
        value = self._arguments[self._used] if self._used < len(self._arguments) else None
        self._used += self._used < len(self._arguments)
        if isinstance(value, bool) or not isinstance(value, int) or abs(value) > 1_000_000:
            directive.problem += "%!(BADWIDTH)"
            return None
        if value < 0:
            directive.flags += "-"
        return min(abs(value), MAX_WIDTH)


def formatted(verb: str, value: object, directive: _Directive) -> str:
    """One value by one verb; lists and maps element by element."""
    if verb == "T":
        return directive.padded(type_name(value))
    if verb == "v" and "#" in directive.flags:
        return directive.padded(_source(value))
    if value is None or isinstance(value, NilPointer):
        shown_nil = "<nil>" if verb == "v" else f"%!{verb}(<nil>)"
        return directive.padded(shown_nil)
    if isinstance(value, list):
        return "[" + " ".join(formatted(verb, item, directive) for item in value) + "]"
    if isinstance(value, dict):
        pairs = (
            f"{formatted(verb, key, directive)}:{formatted(verb, item, directive)}"
            for key, item in sorted_items(value)
        )
        return "map[" + " ".join(pairs) + "]"
    piece = None
    if isinstance(value, bool):
        piece = text(value) if verb in "vt" else None
    elif isinstance(value, int):
        return _integer(verb, value, directive)
    elif isinstance(value, float):
        return _real(verb, value, directive)
    elif isinstance(value, str):
        piece = _string(verb, value, directive)
    elif verb in "vs":
        piece = text(value)
    return directive.padded(bad(verb, value) if piece is None else piece)


def bad(verb: str, value: object) -> str:
    return f"%!{verb}({type_name(value)}={text(value)})"


def _string(verb: str, value: str, directive: _Directive) -> str | None:
    if directive.precision is not None:
        value = value[: directive.precision]
    if verb in "vs":
        return value
    if verb == "q":
        if "#" in directive.flags and "`" not in value:
            return f"`{value}`"
        return _ascii(quoted(value)) if "+" in directive.flags else quoted(value)
    if verb in "xX":
        encoded = value.encode()
        digits = encoded.hex(" ") if " " in directive.flags else encoded.hex()
        if "#" in directive.flags and digits:
            digits = "0x" + digits.replace(" ", " 0x")
        return digits.upper() if verb == "X" else digits
    return None


def _ascii(text: str) -> str:
    letters = (
        letter
        if letter < "\x7f"
        else f"\\u{ord(letter):04x}"
        if letter <= "\uffff"
        else f"\\U{ord(letter):08x}"
        for letter in text
    )
    return "".join(letters)


def _integer(verb: str, value: int, directive: _Directive) -> str:
    spec = {"v": "d", "d": "d", "b": "b", "o": "o", "O": "o", "x": "x", "X": "X"}.get(verb)
    if verb == "c":
        return directive.padded(chr(value) if 0 <= value < 0x110000 else "\ufffd")
    if verb == "q":
        return directive.padded(f"'{chr(value)}'" if 0 <= value < 0x110000 else "'\ufffd'")
    if verb == "U":
        return directive.padded(f"U+{value:04X}")
    if spec is None:
        return directive.padded(bad(verb, value))
    digits = format(abs(value), spec)
    if directive.precision is not None:
        digits = digits.rjust(directive.precision, "0")
    if "#" in directive.flags or verb == "O":
        digits = {"x": "0x", "X": "0X", "b": "0b", "o": "0", "O": "0o"}.get(verb, "") + digits
    return directive.padded(
        _sign(value < 0, directive) + digits, numeric=directive.precision is None
    )


def _sign(is_negative: bool, directive: _Directive) -> str:
    if is_negative:
        return "-"
    return "+" if "+" in directive.flags else " " if " " in directive.flags else ""


def _real(verb: str, value: float, directive: _Directive) -> str:
    if verb not in "veEfFgG":
        return directive.padded(bad(verb, value))
    sign = _sign(value < 0 or str(value) == "-0.0", directive)
    if verb in "vgG" and directive.precision is None:
        digits = general(abs(value)).removeprefix("+")
        digits = digits.upper() if verb == "G" else digits
    else:
        precision = 6 if directive.precision is None else directive.precision
        digits = format(abs(value), f".{precision}{'g' if verb == 'v' else verb}")
    return directive.padded(sign + digits, numeric=True)


def _source(value: object) -> str:
    """As %#v: the value in Go's own syntax."""
    if value is None:
        return "interface {}(nil)"
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, list):
        return type_name(value) + "{" + ", ".join(_source(item) for item in value) + "}"
    if isinstance(value, dict):
        pairs = (f"{quoted(key)}:{_source(item)}" for key, item in sorted_items(value))
        return type_name(value) + "{" + ", ".join(pairs) + "}"
    return text(value)
