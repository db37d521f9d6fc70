"""How the values of `run`'s smaller flags are read: ulimits, devices, hosts, networks, restarts.

Each function takes one text and returns what the API wants, or raises ValueError with Docker's
words.
"""

from __future__ import annotations

import _socket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lading.sdk.request import Document

# What setrlimit knows, by Docker's names. Source: man 2 getrlimit.
ULIMITS = frozenset(
    [
        "core",
        "cpu",
        "data",
        "fsize",
        "locks",
        "memlock",
        "msgqueue",
        "nice",
        "nofile",
        "nproc",
        "rss",
        "rtprio",
        "rttime",
        "sigpending",
        "stack",
    ]
)


def variable(text: str) -> str:
    """`KEY=value`, or KEY alone."""
    if not text or text.startswith("="):
        raise ValueError(f"invalid environment variable: {text}")
    return text


def stream_name(text: str) -> str:
    name = text.lower()
    if name not in ("stdin", "stdout", "stderr"):
        raise ValueError("valid streams are STDIN, STDOUT and STDERR")
    return name


def ulimit(text: str) -> Document:
    """`nofile=1024:2048`; one number is both limits, -1 is none."""
    name, equals, value = text.partition("=")
    if not equals:
        raise ValueError(f"invalid ulimit argument: {text}")
    if name not in ULIMITS:
        raise ValueError(f"invalid ulimit type: {name}")
    numbers = value.split(":")
    if len(numbers) > 2:
        raise ValueError(f"too many limit value arguments - {value}, can only have up to two")
    try:
        soft, hard = int(numbers[0]), int(numbers[-1])
    except ValueError:
        raise ValueError(f"invalid ulimit argument: {text}") from None
    if soft > hard and hard != -1:
        raise ValueError(
            f"ulimit soft limit must be less than or equal to hard limit: {soft} > {hard}"
        )
    return {"Name": name, "Soft": soft, "Hard": hard}


def device(text: str) -> Document:
    """`/dev/sda[:/dev/xvda][:rwm]`."""
    parts = text.split(":")
    source, target, permissions = parts[0], "", "rwm"
    if len(parts) == 2 and _is_device_mode(parts[1]):
        permissions = parts[1]
    elif len(parts) in (2, 3):
        target = parts[1]
        permissions = parts[2] if len(parts) == 3 else permissions
    elif len(parts) > 3:
        raise ValueError(f"invalid device specification: {text}")
    if not _is_device_mode(permissions):
        raise ValueError(f"bad mode specified: {permissions}")
    return {
        "PathOnHost": source,
        "PathInContainer": target or source,
        "CgroupPermissions": permissions,
    }


def _is_device_mode(text: str) -> bool:
    return bool(text) and not text.strip("rwm") and len(set(text)) == len(text)


def ip_address(text: str) -> str:
    if not _is_ip(text.strip()):
        raise ValueError(f"IP address is not correctly formatted: {text.strip()}")
    return text.strip()


def one_ip_address(text: str, previous: object) -> str:
    """An address where only one may be."""
    if not _is_ip(text.strip()):
        raise ValueError(f"failed to parse IP: {text!r}".replace("'", '"'))
    return text.strip()


def _is_ip(text: str) -> bool:
    for family in (_socket.AF_INET, _socket.AF_INET6):
        try:
            _socket.inet_pton(family, text)
        except OSError:
            continue
        return True
    return False


def extra_host(text: str) -> str:
    """`host:ip` or `host=ip`, the address perhaps in brackets or `host-gateway`."""
    host, separator, ip = text.partition("=")
    if not separator:
        host, separator, ip = text.partition(":")
    if not separator or not host:
        raise ValueError(f'bad format for add-host: "{text}"')
    if ip.startswith("[") and ip.endswith("]"):
        ip = ip[1:-1]
    if ip != "host-gateway" and not _is_ip(ip):
        raise ValueError(f'invalid IP address in add-host: "{ip}"')
    return f"{host}:{ip}"


def network(text: str) -> tuple[str, Document]:
    """The network's name and the endpoint asked for: `web` or `name=web,alias=db,ip=10.0.0.9`."""
    if not text:
        raise ValueError("no name set for network")
    if "=" not in text:
        return text, {}
    name = ""
    endpoint: Document = {}
    for field in text.split(","):
        key, equals, value = field.partition("=")
        key, value = key.strip().lower(), value.strip()
        if not equals or not value:
            raise ValueError(f"invalid field {field}")
        if key == "name":
            name = value
        elif key == "alias":
            endpoint.setdefault("Aliases", []).append(value)
        elif key == "ip":
            endpoint.setdefault("IPAMConfig", {})["IPv4Address"] = value
        elif key == "ip6":
            endpoint.setdefault("IPAMConfig", {})["IPv6Address"] = value
        elif key == "link-local-ip":
            endpoint.setdefault("IPAMConfig", {}).setdefault("LinkLocalIPs", []).append(value)
        elif key == "mac-address":
            endpoint["MacAddress"] = value
        elif key == "gw-priority":
            endpoint["GwPriority"] = _gw_priority(value)
        elif key == "driver-opt":
            option, _, setting = value.partition("=")
            endpoint.setdefault("DriverOpts", {})[option] = setting
        else:
            raise ValueError(f"invalid field key {key}")
    if not name:
        raise ValueError("network name must be specified")
    return name, endpoint


def _gw_priority(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"invalid gw-priority ({text}): invalid syntax") from None


def restart_policy(text: str) -> Document:
    """`no`, `always`, `unless-stopped`, `on-failure[:count]`; the engine checks the name."""
    name, colon, count = text.partition(":")
    if colon and not name:
        raise ValueError("invalid restart policy format: no policy provided before colon")
    if not count:
        return {"Name": name, "MaximumRetryCount": 0}
    try:
        return {"Name": name, "MaximumRetryCount": int(count)}
    except ValueError:
        raise ValueError(
            "invalid restart policy format: maximum retry count must be an integer"
        ) from None
