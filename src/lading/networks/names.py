"""The names by which others in a network find a container. Pure; `nameserver` answers for them."""

from collections.abc import Iterable


def unique(names: Iterable[str]) -> tuple[str, ...]:
    """The names without repetition, in order: the container's name, its aliases, its short id."""
    return tuple(dict.fromkeys(name for name in names if name))
