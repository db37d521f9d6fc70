"""The configuration file: JSON with dockerd's keys, which are the long flags, lists in the plural.

What is wrong is told in dockerd's words (moby, daemon/config): unknown keys, a key that is a flag
as well, a value of the wrong type, a value that cannot be. What dockerd knows and this engine does
not is taken with a warning, so that a daemon.json that is there can be used.
"""

import argparse
import json
from collections.abc import Callable, Mapping
from typing import NoReturn
from urllib.parse import urlsplit

from lading.app.container_settings import container_defaults

PLURAL = {
    "hosts": "host",
    "registry-mirrors": "registry-mirror",
    "insecure-registries": "insecure-registry",
    "log-opts": "log-opt",
    "exec-opts": "exec-opt",
    "authorization-plugins": "authorization-plugin",
    "labels": "label",
    "features": "feature",
    "default-address-pools": "default-address-pool",
    "default-network-opts": "default-network-opt",
    "default-ulimits": "default-ulimit",
    "dns-opts": "dns-opt",
    "host-gateway-ips": "host-gateway-ip",
    "runtimes": "add-runtime",
}
OBJECTS = ("log-opts", "features")  # where flags are NAME=VALUE
# dockerd's other keys (docs.docker.com/reference/cli/dockerd, daemon configuration file)
WITHOUT_EFFECT = frozenset({
    "allow-nondistributable-artifacts", "bip6", "bridge-accept-fwmark",
    "builder", "cdi-spec-dirs", "cluster-advertise", "cluster-store", "cluster-store-opts",
    "containerd", "containerd-namespace", "containerd-plugin-namespace",
    "containerd-plugins-namespace", "cpu-rt-period", "cpu-rt-runtime", "cri-containerd",
    "default-gateway", "default-gateway-v6", "experimental", "fixed-cidr-v6",
    "ip-forward-no-drop", "ip6tables", "ipv6", "log-format", "metrics-addr",
    "network-control-plane-mtu", "node-generic-resources", "oom-score-adjust",
    "raw-logs", "resolv-conf", "storage-opts",
    "swarm-default-advertise-addr", "userland-proxy-path",
})  # fmt: skip
GO_TYPES = {bool: "bool", int: "int", str: "string", list: "[]string"}
JSON_TYPES = {bool: "bool", int: "number", float: "number", str: "string", dict: "object",
              list: "array"}  # fmt: skip
LEVELS = ("debug", "info", "warn", "error", "fatal", "panic")


class BadConfig(ValueError):
    """What is wrong with the file, without its name."""


def settings(flags: argparse.ArgumentParser, words: list[str]) -> dict[str, object]:
    """The flags given and what the file says, by the names of the flags (`log_level`).

    Keys that have no effect are in the setting `without_effect`. Raises SystemExit with a text.
    """
    parsed = vars(flags.parse_args(words))
    given = {name: value for name, value in parsed.items() if value is not None}
    path = given.get("config_file")
    try:
        if isinstance(path, str):
            given = _merged(given, _types(flags), _read(path))
        _check(given)
    except (BadConfig, OSError) as error:
        if not isinstance(path, str):
            raise SystemExit(f"ladingd: {error}") from error
        told = f"open {path}: {error.strerror}" if isinstance(error, OSError) else error
        raise SystemExit(
            f"unable to configure the Docker daemon with file {path}: {told}"
        ) from error
    return given


def _types(flags: argparse.ArgumentParser) -> dict[str, type]:
    """What kind of value each flag takes."""
    found: dict[str, type] = {}
    for action in flags._actions:
        is_switch = action.nargs == 0 or (action.nargs == "?" and action.const is True)
        kind: type = bool if is_switch else str
        if action.type is int:
            kind = int
        found[action.dest] = list if isinstance(action, argparse._AppendAction) else kind
    return found


def _read(path: str) -> dict[str, object]:
    with open(path, encoding="utf-8") as file:
        text = file.read()
    try:
        document = json.loads(text) if text.strip() else {}
    except ValueError as error:
        raise BadConfig(f"invalid JSON: {error}") from error
    if not isinstance(document, dict):
        kind = JSON_TYPES.get(type(document), "null")
        raise BadConfig(
            f"invalid JSON: json: cannot unmarshal {kind} into Go value of type "
            "map[string]interface {}"
        )
    proxies = document.pop("proxies", {})
    document |= proxies if isinstance(proxies, dict) else {}
    return document


def _merged(
    given: dict[str, object], types: Mapping[str, type], document: dict[str, object]
) -> dict[str, object]:
    names = {key: PLURAL.get(key, key).replace("-", "_") for key in document}
    unknown = [key for key in document if names[key] not in types and key not in WITHOUT_EFFECT]
    if unknown:
        told = ", ".join(sorted(unknown))
        raise BadConfig(f"the following directives don't match any configuration option: {told}")
    twice = [
        f"{key}: (from flag: {_go(given[names[key]])}, from file: {_go(value)})"
        for key, value in document.items()
        if names[key] in given
    ]
    if twice:
        raise BadConfig(
            "the following directives are specified both as a flag and in the configuration "
            f"file: {', '.join(twice)}"
        )
    merged = dict(given)
    for key, value in document.items():
        if key in AS_WORDS:
            merged[names[key]] = AS_WORDS[key](value)
        elif names[key] in types:
            merged[names[key]] = _typed(key, value, types[names[key]])
    if ignored := sorted(key for key in document if names[key] not in types):
        merged["without_effect"] = ignored
    return merged


def _typed(key: str, value: object, kind: type) -> object:
    """The value, if JSON has it as the flag wants it."""
    if key in OBJECTS and isinstance(value, dict):
        for name, each in value.items():
            wanted = bool if key == "features" else str
            if not isinstance(each, wanted):
                _refuse_type(f"{key}.{name}", each, GO_TYPES[wanted])
        return value
    if isinstance(value, kind) and (kind is not int or not isinstance(value, bool)):
        if isinstance(value, list):
            for each in value:
                if not isinstance(each, str):
                    _refuse_type(key, each, "string")
        return value
    return _refuse_type(key, value, "map[string]string" if key in OBJECTS else GO_TYPES[kind])


def _pool_words(value: object) -> list[str]:
    """`[{"base": "10.10.0.0/16", "size": 24}]` as the flag has it."""
    found = []
    for each in value if isinstance(value, list) else [value]:
        if not isinstance(each, dict) or not isinstance(each.get("base"), str):
            _refuse_type("default-address-pools", each, "ipamutils.NetworkToSplit")
        found.append(f"base={each['base']},size={each.get('size', '')}")
    return found


def _network_option_words(value: object) -> list[str]:
    """`{"bridge": {"com.docker.network.driver.mtu": "1450"}}` as the flag has it."""
    found = []
    for driver, options in value.items() if isinstance(value, dict) else [("", value)]:
        if not isinstance(options, dict):
            _refuse_type("default-network-opts", options, "map[string]map[string]string")
        found += [f"{driver}={name}={each}" for name, each in options.items()]
    return found


def _ulimit_words(value: object) -> list[str]:
    """`{"nofile": {"Name": "nofile", "Soft": 1024, "Hard": 2048}}` as the flag has it."""
    if not isinstance(value, dict):
        _refuse_type("default-ulimits", value, "map[string]*units.Ulimit")
    found = []
    for name, each in value.items():
        if not isinstance(each, dict):
            _refuse_type(f"default-ulimits.{name}", each, "units.Ulimit")
        fields = {key.lower(): part for key, part in each.items()}  # as Go reads them
        soft, hard = fields.get("soft", 0), fields.get("hard", 0)
        found.append(f"{fields.get('name') or name}={soft}:{hard}")
    return found


def _runtime_words(value: object) -> list[str]:
    """`{"crun": {"path": "/usr/bin/crun"}}` as the flag has it."""
    if not isinstance(value, dict):
        _refuse_type("runtimes", value, "map[string]system.Runtime")
    return [
        f"{name}={each.get('path', '') if isinstance(each, dict) else ''}"
        for name, each in value.items()
    ]


def _gateway_words(value: object) -> list[str]:
    """One address, as it was before there were two families."""
    return [value] if isinstance(value, str) else _refuse_type("host-gateway-ip", value, "string")


# keys that are objects in the file and words as a flag
AS_WORDS: dict[str, Callable[[object], list[str]]] = {
    "default-address-pools": _pool_words,
    "default-network-opts": _network_option_words,
    "default-ulimits": _ulimit_words,
    "host-gateway-ip": _gateway_words,
    "runtimes": _runtime_words,
}


def _refuse_type(key: str, value: object, wanted: str) -> NoReturn:
    kind = JSON_TYPES.get(type(value), "null")
    raise BadConfig(
        f"invalid JSON: json: cannot unmarshal {kind} into Go struct field Config.{key} "
        f"of type {wanted}"
    )


def _go(value: object) -> str:
    """As Go prints it with %v."""
    if isinstance(value, list):
        return f"[{' '.join(map(_go, value))}]"
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


def _check(given: Mapping[str, object]) -> None:
    """Values that cannot be, wherever they came from."""
    try:
        _check_values(given)
    except BadConfig as error:
        raise BadConfig(
            f"merged configuration validation from file and command line flags failed: {error}"
        ) from error
    _check_conflicts(given)


def _check_values(given: Mapping[str, object]) -> None:
    if (level := given.get("log_level", "info")) not in LEVELS:
        raise BadConfig(f"invalid logging level: {level}")
    for label in _texts(given, "label"):
        if "=" not in label:
            raise BadConfig(f"bad attribute format: {label}")
    for mirror in _texts(given, "registry_mirror"):
        _check_mirror(mirror)
    for name, told in (
        ("max_concurrent_downloads", "max concurrent downloads"),
        ("max_concurrent_uploads", "max concurrent uploads"),
        ("max_download_attempts", "max download attempts"),
        ("mtu", "default MTU"),
    ):
        value = given.get(name, 0)
        if isinstance(value, int) and value < 0:
            raise BadConfig(f"invalid {told}: {value}")
    try:
        container_defaults(given)
    except ValueError as error:
        raise BadConfig(str(error)) from error
    for option in _texts(given, "exec_opt"):
        if "=" not in option:
            raise BadConfig(f"invalid exec-opt ({option}): must be formatted 'opt=value'")


def _check_mirror(text: str) -> None:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or "://" not in text:
        raise BadConfig(
            f'invalid mirror: no scheme specified for "{text}": must use either '
            "'https://' or 'http://'"
        )
    if parts.query or parts.fragment:
        raise BadConfig(f'invalid mirror: query or fragment at end of the URI "{text}"')


def _check_conflicts(given: Mapping[str, object]) -> None:
    seen: dict[str, str] = {}
    for label in _texts(given, "label"):
        name, _, value = label.partition("=")
        if seen.setdefault(name, value) != value:
            raise BadConfig(f"conflict labels for {label} and {name}={seen[name]}")


def _texts(given: Mapping[str, object], name: str) -> list[str]:
    found = given.get(name)
    return [str(each) for each in found] if isinstance(found, list) else []
