"""Signals as users write them: KILL, SIGKILL, 9, RTMIN+3. Pure."""

import signal

from lading.errors import InvalidArgument


class InvalidSignal(InvalidArgument):
    """invalid signal: {0}"""


class UnsupportedSignal(InvalidSignal):
    """the linux daemon does not support signal {0}"""


def parse(text: str) -> int:
    """The number of a signal given by name (any case, with or without SIG) or number.

    Raises InvalidSignal, UnsupportedSignal for a number that is none.
    """
    if text.removeprefix("-").isdecimal() and int(text):
        if not 1 <= int(text) <= signal.SIGRTMAX:
            raise UnsupportedSignal(text)
        return int(text)
    name = text.upper().removeprefix("SIG")
    for base, first, sign in (("RTMIN", signal.SIGRTMIN, 1), ("RTMAX", signal.SIGRTMAX, -1)):
        if name == base:
            return int(first)
        offset = name.removeprefix(base + ("+" if sign > 0 else "-"))
        if offset != name and offset.isdecimal():
            return _checked(first + sign * int(offset), text)
    try:
        return int(signal.Signals[f"SIG{name}"])
    except KeyError:
        raise InvalidSignal(text) from None


def _checked(number: int, text: str) -> int:
    if not 1 <= number <= signal.SIGRTMAX:
        raise InvalidSignal(text)
    return number
