"""Values of options as Go's strconv reads them, for its texts reach users."""

import re

from lading.errors import InvalidArgument


def int_of(text: str) -> int:
    """A decimal number with or without a sign. Raises InvalidArgument."""
    if not re.fullmatch(r"[+-]?[0-9]+", text):
        raise InvalidArgument(f'strconv.Atoi: parsing "{text}": invalid syntax')
    return int(text)


def unsigned_of(text: str) -> int:
    """A decimal number without a sign. Raises InvalidArgument."""
    if not re.fullmatch(r"[0-9]+", text):
        raise InvalidArgument(f'strconv.ParseUint: parsing "{text}": invalid syntax')
    return int(text)


def bool_or_none(text: str) -> bool | None:
    """A boolean, nothing being false; None when it is none."""
    if text in ("1", "t", "T", "true", "TRUE", "True"):
        return True
    return False if text in ("", "0", "f", "F", "false", "FALSE", "False") else None


def bool_of(text: str) -> bool:
    """A boolean. Raises InvalidArgument, also for nothing."""
    value = bool_or_none(text) if text else None
    if value is None:
        raise InvalidArgument(f'strconv.ParseBool: parsing "{text}": invalid syntax')
    return value
