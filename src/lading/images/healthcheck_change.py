"""`HEALTHCHECK [--interval=30s ...] CMD ...` and `HEALTHCHECK NONE` as a config's Healthcheck."""

from collections.abc import Callable

from lading import quantities
from lading.oci.config import Healthcheck

_DURATIONS = {
    "interval": "interval",
    "timeout": "timeout",
    "start-period": "start_period",
    "start-interval": "start_interval",
}


def parse(text: str, *, shell: Callable[[str], list[str] | None]) -> Healthcheck:
    """Read what follows the word; `shell` reads the JSON form of a command. Raises ValueError."""
    values: dict[str, int] = {}
    rest = text
    while rest.startswith("--"):
        flag, _, rest = rest.partition(" ")
        rest = rest.lstrip()
        name, equals, value = flag[2:].partition("=")
        if not equals:
            raise ValueError(f"Missing a value on flag: {name}")
        if name in _DURATIONS:
            values[_DURATIONS[name]] = quantities.parse_duration_ns(value)
        elif name == "retries":
            values["retries"] = _retries(value)
        else:
            raise ValueError(f"unknown flag: {name}")
    kind, _, command = rest.partition(" ")
    return Healthcheck(test=_test(kind.upper(), command.strip(), shell), **values)


def _test(kind: str, command: str, shell: Callable[[str], list[str] | None]) -> list[str]:
    if kind == "NONE":
        if command:
            raise ValueError("HEALTHCHECK NONE takes no arguments")
        return ["NONE"]
    if kind != "CMD":
        raise ValueError(f'Unknown type "{kind}" in HEALTHCHECK (try CMD)')
    if not command:
        raise ValueError("Missing command after HEALTHCHECK CMD")
    words = shell(command)
    return ["CMD", *words] if words is not None else ["CMD-SHELL", command]


def _retries(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise ValueError(f"--retries must be at least 1 (not {text})")
    return int(text)
