"""What clients write after the question mark: Docker's booleans, numbers, times and filters."""

from urllib.parse import parse_qs

import msgspec

from lading.errors import InvalidArgument

_FALSE = ("", "0", "no", "false", "none")
_UINT32 = 1 << 32


class BadNumber(InvalidArgument):
    """strconv.Atoi: parsing "{0}": invalid syntax"""


class BadTime(InvalidArgument):
    """strconv.ParseInt: parsing "{0}": invalid syntax"""


class BadFilters(InvalidArgument):
    """invalid filter"""


class UnknownFilter(InvalidArgument):
    """invalid filter '{0}'"""


class Query:
    """The parameters of one request; a missing one is the same as an empty one."""

    def __init__(self, text: str) -> None:
        self._values = parse_qs(text, keep_blank_values=True) if text else {}

    def text(self, name: str) -> str:
        """The first value, or nothing."""
        return self._values.get(name, [""])[0]

    def texts(self, name: str) -> list[str]:
        """Every value."""
        return self._values.get(name, [])

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Anything but nothing, 0, no, false, none is true. A missing one is the default."""
        if name not in self._values:
            return default
        return self.text(name).strip().lower() not in _FALSE

    def number(self, name: str) -> int | None:
        """A whole number, or None when there is none. Raises BadNumber."""
        text = self.text(name)
        if not text:
            return None
        if not text.lstrip("+-").isascii() or not text.lstrip("+-").isdigit():
            raise BadNumber(text)
        return int(text)

    def size(self, name: str, label: str) -> int:
        """A number of terminal cells, which must be given. Raises InvalidArgument."""
        text = self.text(name)
        if not (text.isascii() and text.isdigit()):
            reason = "value out of range" if text[1:].isdigit() and text[0] == "-" else ""
            raise InvalidArgument(f'invalid {label} "{text}": {reason or "invalid syntax"}')
        if int(text) >= _UINT32:
            raise InvalidArgument(f'invalid {label} "{text}": value out of range')
        return int(text)

    def time_ns(self, name: str) -> int | None:
        """`sec` or `sec.fraction` since the epoch, in nanoseconds. Raises BadTime."""
        text = self.text(name)
        if not text:
            return None
        seconds, _, fraction = text.partition(".")
        digits = seconds.removeprefix("-")
        if not (digits.isascii() and digits.isdigit()):
            raise BadTime(seconds)
        if not (fraction or "0").isdigit():
            raise BadTime(fraction)
        return int(seconds) * 1_000_000_000 + int((fraction + "0" * 9)[:9])

    def filters(self, accepted: frozenset[str]) -> dict[str, list[str]]:
        """The filters of either encoding, {"k": {"v": true}} or {"k": ["v"]}.

        Raises BadFilters, UnknownFilter.
        """
        text = self.text("filters")
        filters = _decode_filters(text.encode()) if text else {}
        for name in filters:
            if name not in accepted:
                raise UnknownFilter(name)
        return filters


def _decode_filters(text: bytes) -> dict[str, list[str]]:
    try:
        kind = dict[str, dict[str, bool] | list[str] | None] | None
        decoded = msgspec.json.decode(text, type=kind) or {}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise BadFilters from None
    return {name: list(values or ()) for name, values in decoded.items()}
