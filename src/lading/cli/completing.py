"""What may come next on a command line: commands, flags, and names of what the engine has.

`lading __complete WORDS... LAST` prints a candidate a line, with a tab and what it is. It is made
from the tables that parse and help are made from. An engine that does not answer gives no names:
a tab never waits, starts an engine or prints an error.
"""

from __future__ import annotations

from lading.cli import index
from lading.cli.front import FRONT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import TypeVar

    from lading.cli.command import Command
    from lading.sdk.request import Call

    T = TypeVar("T")

# What the arguments of a command's file name; the rest are for the shell to complete as files.
_CONTAINERS = frozenset(
    [
        *("attach", "commit", "cp", "diff", "exec", "export", "inspect", "kill", "logs", "pause"),
        *("port", "rename", "restart", "rm", "start", "stats", "stop", "top", "unpause", "update"),
        *("wait", "backup_create"),
    ]
)
_IMAGES = frozenset(["create", "history", "inspect", "push", "rmi", "run", "save", "tag"])
_CONTEXTS = frozenset(
    ["context_export", "context_inspect", "context_rm", "context_update", "context_use"]
)
_RUNNING = frozenset(
    ["attach", "exec", "kill", "pause", "port", "restart", "stats", "stop", "top", "update"]
)
_VOLUMES = frozenset(
    ["volume_clone", "volume_export", "volume_rename", "volume_rm", "volume_snapshot"]
)
_ONLY_ONE = frozenset(["attach", "commit", "diff", "exec", "export", "logs", "port", "run", "top"])


def candidates(words: Sequence[str], environ: Mapping[str, str]) -> list[str]:
    """Lines for the last of `words`, which may be empty or begun."""
    *before, last = words or [""]
    host, before = _without_global_flags(list(before))
    if not before:
        if last.startswith("-"):
            return _flags(FRONT, last)
        return _begin(last, _commands())
    members = index.GROUPS.get(before[0])
    if members is not None:
        if len(before) == 1:
            return _begin(last, _members(before[0]))
        name, rest = members.get(before[1]), before[2:]
    else:
        name, rest = index.TOP.get(before[0]), before[1:]
    if name is None:
        return []
    from lading.cli.dispatch import load

    command = load(name).COMMAND
    if last.startswith("-"):
        return _flags(command, last)
    if rest and _wants_value(command, rest[-1]):
        return []
    return _begin(last, _names(name, command, rest, before[0], environ, host))


def _without_global_flags(words: list[str]) -> tuple[str, list[str]]:
    """The host that `-H` names, and the words from the command on."""
    host = ""
    while words and words[0].startswith("-"):
        flag = words.pop(0)
        if _wants_value(FRONT, flag) and words:
            value = words.pop(0)
            host = value if flag in ("-H", "--host") else host
    return host, words


def _wants_value(command: Command, word: str) -> bool:
    for flag in command.flags:
        if word in (f"--{flag.name}", f"-{flag.short}"):
            return flag.kind.bare is None
    return False


def _flags(command: Command, last: str) -> list[str]:
    shown = [(f"--{flag.name}", flag.help) for flag in command.flags if not flag.hidden]
    return _begin(last, shown)


def _begin(last: str, pairs: Iterable[tuple[str, str]]) -> list[str]:
    return [f"{word}\t{text}" for word, text in pairs if word.startswith(last)]


def _commands() -> list[tuple[str, str]]:
    from lading.cli.dispatch import load

    top = [(name, load(file).COMMAND.summary) for name, file in sorted(index.TOP.items())]
    return sorted([*top, *index.GROUP_SUMMARIES.items()])


def _members(group: str) -> list[tuple[str, str]]:
    from lading.cli.dispatch import load

    shown = sorted(set(index.GROUPS[group]) - index.HIDDEN[group])
    return [(name, load(index.GROUPS[group][name]).COMMAND.summary) for name in shown]


def _names(
    file: str,
    command: Command,
    rest: Sequence[str],
    group: str,
    environ: Mapping[str, str],
    host: str,
) -> list[tuple[str, str]]:
    """Names of containers, images or contexts, without those that are there already."""
    if file in _CONTEXTS:
        from lading.cli.contexts import Store

        return [(found.name, found.host) for found in Store(environ).all()]
    if file in _ONLY_ONE and any(not word.startswith("-") for word in rest):
        return []
    if file == "completion":
        return [(shell, "") for shell in ("bash", "fish", "zsh")]
    found: list[tuple[str, str]] = []
    if file in _VOLUMES or (file == "inspect" and group == "volume"):
        return [pair for pair in _volumes(environ, host) if pair[0] not in rest]
    if file in _CONTAINERS and group != "image":
        found += _containers(file not in _RUNNING, environ, host)
    if file in ("run", "create") or (file in _IMAGES and group != "container"):
        found += _images(environ, host)
    return [pair for pair in found if pair[0] not in rest]


def _containers(all: bool, environ: Mapping[str, str], host: str) -> list[tuple[str, str]]:
    from lading.sdk import containers

    found = _ask(containers.list_(all=all), environ, host)
    return [
        (name.removeprefix("/"), f"{container['Image']}, {container['Status']}")
        for container in found or []
        for name in container.get("Names") or []
    ]


def _images(environ: Mapping[str, str], host: str) -> list[tuple[str, str]]:
    from lading.sdk import images

    found = _ask(images.list_(), environ, host)
    return [
        (tag, image["Id"][7:19]) for image in found or [] for tag in image.get("RepoTags") or []
    ]


def _volumes(environ: Mapping[str, str], host: str) -> list[tuple[str, str]]:
    from lading.sdk import volumes

    answer = _ask(volumes.list_(), environ, host) or {}
    return [(volume["Name"], volume["Driver"]) for volume in answer.get("Volumes") or []]


def _ask(call: Call[T], environ: Mapping[str, str], host: str) -> T | None:
    """What the engine answers; nothing when there is none. None is started for a tab."""
    from lading.cli import endpoint
    from lading.cli.failures import Failure
    from lading.errors import LadingError
    from lading.sdk import address
    from lading.sdk.client import Client

    try:
        place = address.parse(host or endpoint.choose(None, environ).host)
        if place.scheme == "ssh":
            return None  # a password might be asked for
        return Client(place).run(call)
    except (Failure, LadingError, OSError):
        return None
