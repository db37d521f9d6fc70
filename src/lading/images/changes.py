"""Dockerfile instructions that change an image's config: `--change` of commit and import.

One instruction each, in the words of the Dockerfile reference (Docker docs, "Dockerfile reference")
and with its two forms: a JSON list of strings, or words for the shell.
"""

import json
import shlex
from collections.abc import Callable, Iterable

from msgspec.structs import replace

from lading.errors import InvalidArgument
from lading.images import healthcheck_change
from lading.oci.config import ExecutionConfig

SHELL = ("/bin/sh", "-c")  # unless the image says SHELL


class BadChange(InvalidArgument):
    """{0}"""


def apply(config: ExecutionConfig, changes: Iterable[str]) -> ExecutionConfig:
    """The config with the instructions carried out, in order. Raises BadChange."""
    sets_command = False
    for line in changes:
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        word, _, rest = text.partition(" ")
        name, rest = word.upper(), rest.strip()
        if name not in _INSTRUCTIONS:
            raise BadChange(f"{name} is not a valid change command")
        if not rest:
            count = "exactly" if name in _OF_ONE else "at least"
            raise BadChange(f"{name} requires {count} one argument")
        config = _INSTRUCTIONS[name](config, rest)
        if name == "ENTRYPOINT" and not sets_command:
            config = replace(config, cmd=None)  # the old command was meant for another program
        sets_command = sets_command or name == "CMD"
    return config


def _json_words(text: str) -> list[str] | None:
    """The words of the JSON form; None when it is not that."""
    if not text.startswith("["):
        return None
    try:
        words = json.loads(text)
    except (ValueError, RecursionError):
        return None
    is_list = isinstance(words, list) and all(isinstance(word, str) for word in words)
    return words if is_list else None


def _command(config: ExecutionConfig, text: str) -> list[str]:
    words = _json_words(text)
    return words if words is not None else [*(config.shell or SHELL), text]


def _words(text: str) -> list[str]:
    words = _json_words(text)
    return words if words is not None else text.split()


def _pairs(name: str, text: str) -> list[tuple[str, str]]:
    """`K=V K2="v 2"`, or the old form `K all the rest`."""
    first = text.split(None, 1)
    if "=" not in first[0]:
        if len(first) < 2:
            raise BadChange(f"{name} must have two arguments")
        return [(first[0], first[1])]
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise BadChange(f"{name}: {error}") from error
    pairs = [word.partition("=") for word in words]
    for key, equals, _ in pairs:
        if not equals:
            raise BadChange(
                f"Syntax error - can't find = in {key!r}. Must be of the form: name=value"
            )
        if not key:
            raise BadChange(f"{name} names can not be blank")
    return [(key, value) for key, _, value in pairs]


def _cmd(config: ExecutionConfig, text: str) -> ExecutionConfig:
    return replace(config, cmd=_command(config, text))


def _entrypoint(config: ExecutionConfig, text: str) -> ExecutionConfig:
    return replace(config, entrypoint=_command(config, text) or None)


def _env(config: ExecutionConfig, text: str) -> ExecutionConfig:
    variables = list(config.env or [])
    for key, value in _pairs("ENV", text):
        known = [entry.partition("=")[0] for entry in variables]
        if key in known:
            variables[known.index(key)] = f"{key}={value}"
        else:
            variables.append(f"{key}={value}")
    return replace(config, env=variables)


def _label(config: ExecutionConfig, text: str) -> ExecutionConfig:
    return replace(config, labels={**(config.labels or {}), **dict(_pairs("LABEL", text))})


def _expose(config: ExecutionConfig, text: str) -> ExecutionConfig:
    ports = dict(config.exposed_ports or {})
    for word in text.split():
        ports.update((port, {}) for port in _ports(word))
    return replace(config, exposed_ports=ports)


def _ports(word: str) -> list[str]:
    """The ports of "80", "80/udp" or "8000-8003/tcp"."""
    span, slash, protocol = word.partition("/")
    protocol = protocol.lower() if slash else "tcp"
    first, dash, last = span.partition("-")
    is_number = first.isascii() and first.isdigit() and (not dash or last.isdigit())
    low, high = (int(first), int(last if dash else first)) if is_number else (1, 0)
    if protocol not in ("tcp", "udp", "sctp"):
        raise BadChange(f"Invalid proto: {protocol}")
    if not 0 <= low <= high <= 65535:
        raise BadChange(f"Invalid containerPort: {span}")
    return [f"{port}/{protocol}" for port in range(low, high + 1)]


def _onbuild(config: ExecutionConfig, text: str) -> ExecutionConfig:
    word = text.split()[0].upper()
    if word == "ONBUILD":
        raise BadChange("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed")
    if word in ("FROM", "MAINTAINER"):
        raise BadChange(f"{word} isn't allowed as an ONBUILD trigger")
    return replace(config, on_build=[*(config.on_build or []), text])


def _user(config: ExecutionConfig, text: str) -> ExecutionConfig:
    return replace(config, user=text)


def _volume(config: ExecutionConfig, text: str) -> ExecutionConfig:
    named: dict[str, dict[str, object]] = {path: {} for path in _words(text)}
    if "" in named:
        raise BadChange("VOLUME specified can not be an empty string")
    return replace(config, volumes={**(config.volumes or {}), **named})


def _workdir(config: ExecutionConfig, text: str) -> ExecutionConfig:
    base = "" if text.startswith("/") else f"{config.working_dir or '/'}/"
    parts: list[str] = []
    for part in f"{base}{text}".split("/"):
        if part == "..":
            parts[-1:] = []
        elif part not in ("", "."):
            parts.append(part)
    return replace(config, working_dir="/" + "/".join(parts))


def _stopsignal(config: ExecutionConfig, text: str) -> ExecutionConfig:
    return replace(config, stop_signal=text)


def _shell(config: ExecutionConfig, text: str) -> ExecutionConfig:
    words = _json_words(text)
    if not words:
        raise BadChange("SHELL requires the arguments to be in JSON form")
    return replace(config, shell=words)


def _healthcheck(config: ExecutionConfig, text: str) -> ExecutionConfig:
    try:
        made = healthcheck_change.parse(text, shell=_json_words)
    except (ValueError, InvalidArgument) as error:
        raise BadChange(str(error)) from error
    return replace(config, healthcheck=made)


_INSTRUCTIONS: dict[str, Callable[[ExecutionConfig, str], ExecutionConfig]] = {
    "CMD": _cmd,
    "ENTRYPOINT": _entrypoint,
    "ENV": _env,
    "EXPOSE": _expose,
    "HEALTHCHECK": _healthcheck,
    "LABEL": _label,
    "ONBUILD": _onbuild,
    "SHELL": _shell,
    "STOPSIGNAL": _stopsignal,
    "USER": _user,
    "VOLUME": _volume,
    "WORKDIR": _workdir,
}
_OF_ONE = ("STOPSIGNAL", "USER", "WORKDIR")
