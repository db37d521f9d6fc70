"""What flags and configuration file say about all containers, as the containers room takes it."""

import ipaddress
from collections.abc import Mapping

from lading import quantities
from lading.cli import option_values
from lading.containers.defaults import SHM_SIZE, Defaults, Modes
from lading.containers.validation import RUNTIMES
from lading.errors import InvalidArgument
from lading.wire.host_config import Ulimit

_DOMAIN_BYTES = 255  # RFC 1035, 2.3.4


def container_defaults(given: Mapping[str, object]) -> Defaults:
    """The defaults. Raises ValueError with dockerd's words for what cannot be."""
    profile = given.get("seccomp_profile")
    return Defaults(
        modes=modes(given),
        ulimits=tuple(_ulimit(word) for word in _words(given, "default_ulimit")),
        no_new_privileges=bool(given.get("no_new_privileges")),
        seccomp_profile=str(profile or "builtin"),
        init=bool(given.get("init")),
        init_path=str(given.get("init_path") or ""),
        dns=tuple(_address(word) for word in _words(given, "dns")),
        dns_search=tuple(_domain(word) for word in _words(given, "dns_search")),
        dns_options=_words(given, "dns_opt"),
        host_gateways=_gateways(_words(given, "host_gateway_ip")),
    )


def modes(given: Mapping[str, object]) -> Modes:
    """Those that may change while the engine runs. Raises ValueError."""
    ipc = str(given.get("default_ipc_mode") or "private")
    hint = 'use "shareable" or "private"'
    if ipc in ("none", "host") or ipc.startswith("container:"):
        raise ValueError(f'IPC mode "{ipc}" is not supported as default value; {hint}')
    if ipc not in ("private", "shareable"):
        raise ValueError(f"default IPC mode setting ({ipc}) is invalid; {hint}")
    cgroupns = str(given.get("default_cgroupns_mode") or "private")
    if cgroupns not in ("private", "host"):
        raise ValueError(f'invalid default cgroup namespace ({cgroupns}): use "host" or "private"')
    runtime = str(given.get("default_runtime") or "runc")
    if runtime not in RUNTIMES:
        raise ValueError(f'specified default runtime "{runtime}" does not exist')
    return Modes(_size(given.get("default_shm_size")), ipc, cgroupns, runtime)


def foreign_runtimes(given: Mapping[str, object]) -> list[str]:
    """The names of runtimes that are registered for dockerd, and not run by this engine."""
    names = {word.partition("=")[0] for word in _words(given, "add_runtime")}
    return sorted(names - set(RUNTIMES))


def _size(given: object) -> int:
    """Bytes of /dev/shm."""
    if given is None:
        return SHM_SIZE
    try:
        return quantities.parse_bytes(str(given)) or SHM_SIZE
    except InvalidArgument as error:
        raise ValueError(str(error)) from error


def _ulimit(word: str) -> Ulimit:
    found = option_values.ulimit(word)
    return Ulimit(name=found["Name"], soft=found["Soft"], hard=found["Hard"])


def _address(word: str) -> str:
    try:
        return str(ipaddress.ip_address(word))
    except ValueError:
        raise ValueError(f"invalid IP address: {word}") from None


def _domain(word: str) -> str:
    """A domain to search; "." is none at all."""
    name = word.strip().rstrip(".")
    labels = name.split(".")
    is_name = len(name) <= _DOMAIN_BYTES and all(
        label and label.replace("-", "a").replace("_", "a").isalnum() and label.isascii()
        for label in labels
    )
    if word != "." and not is_name:
        raise ValueError(f"{word} is not a valid domain")
    return word if word == "." else name


def _gateways(words: tuple[str, ...]) -> tuple[str, ...]:
    """What `host-gateway` stands for: at most one address of each family."""
    found = tuple(_address(word) for word in words)
    for version in (4, 6):
        if sum(ipaddress.ip_address(each).version == version for each in found) > 1:
            raise ValueError(f"only one IPv{version} host gateway IP address can be specified")
    return found


def _words(given: Mapping[str, object], name: str) -> tuple[str, ...]:
    values = given.get(name)
    return tuple(str(value) for value in values) if isinstance(values, list) else ()
