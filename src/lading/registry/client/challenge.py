"""WWW-Authenticate challenges, `Bearer realm="...",service="...",scope="..."` (RFC 9110, 11.6)."""

import re
from typing import NamedTuple

_SCHEME = re.compile(r"[\s,]*([A-Za-z][A-Za-z0-9!#$%&'*+.^_`|~-]*)(?=[\s,]|$)")
_PARAMETER = re.compile(
    r'\s*,?\s*([A-Za-z0-9!#$%&\'*+.^_`|~-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))'
)


class Challenge(NamedTuple):
    """One scheme (in small letters) and its parameters."""

    scheme: str
    parameters: dict[str, str]


def parse(header: str) -> list[Challenge]:
    """Every challenge of the header, in order; what cannot be read ends the list."""
    found: list[Challenge] = []
    position = 0
    while match := _SCHEME.match(header, position):
        position = match.end()
        challenge = Challenge(match[1].lower(), {})
        while parameter := _PARAMETER.match(header, position):
            value = parameter[3] or re.sub(r"\\(.)", r"\1", parameter[2] or "")
            challenge.parameters[parameter[1].lower()] = value
            position = parameter.end()
        found.append(challenge)
    return found
