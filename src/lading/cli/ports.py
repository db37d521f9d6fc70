"""`-p` and `--expose`: `8080:80`, `127.0.0.1:8000-8005:80-85/udp`, `[::1]::53/udp`.

`8080:80,from=10.0.0.0/8` lets only that network in from outside; it may be said several times.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lading.sdk.request import Document

PROTOCOLS = ("tcp", "udp", "sctp")


def exposed(texts: Sequence[str]) -> dict[str, Document]:
    """`{"80/tcp": {}}` for each port of each `--expose`. Raises ValueError."""
    found: dict[str, Document] = {}
    for text in texts:
        if ":" in text:
            raise ValueError(f"invalid port format for --expose: {text}")
        port, protocol = _protocol(text)
        for number in _range(port, f"invalid range format for --expose: {text}"):
            found[f"{number}/{protocol}"] = {}
    return found


def published(texts: Sequence[str]) -> dict[str, list[Document]]:
    """PortBindings: container port -> places on the host. Raises ValueError."""
    bindings: dict[str, list[Document]] = {}
    for text in texts:
        short, sources = _without_sources(text)
        for port, binding in _bindings(_short_form(short) if "=" in short else short):
            asked = {**binding, "Sources": sources} if sources else binding
            bindings.setdefault(port, []).append(asked)
    return bindings


def _without_sources(text: str) -> tuple[str, list[str]]:
    """The text without `from=NETWORK`, and the networks."""
    parts = text.split(",")
    sources = [part.removeprefix("from=") for part in parts if part.startswith("from=")]
    return ",".join(part for part in parts if not part.startswith("from=")), sources


def _bindings(text: str) -> list[tuple[str, Document]]:
    head, protocol = _protocol(text)
    rest, _, container = head.rpartition(":")
    ip, _, host = rest.rpartition(":")
    if not container:
        raise ValueError(f"no port specified: {text}<empty>")
    ports = _range(container, f"Invalid containerPort: {container}")
    hosts = _host_ports(host, len(ports), text)
    if ip.startswith("[") and ip.endswith("]"):
        ip = ip[1:-1]
    return [
        (f"{port}/{protocol}", {"HostIp": ip, "HostPort": host})
        for port, host in zip(ports, hosts, strict=True)
    ]


def _host_ports(host: str, count: int, text: str) -> list[str]:
    """One per container port; a range for a single one lets the engine choose from it."""
    if not host:
        return [""] * count
    numbers = _range(host, f"Invalid hostPort: {host}")
    if len(numbers) == count:
        return [str(number) for number in numbers]
    if count == 1:
        return [host]
    raise ValueError(f"invalid ranges specified for container and host Ports: {text}")


def _protocol(text: str) -> tuple[str, str]:
    port, _, protocol = text.partition("/")
    protocol = protocol.lower() or "tcp"
    if protocol not in PROTOCOLS:
        raise ValueError(f"invalid proto: {protocol}")
    return port, protocol


def _range(text: str, complaint: str) -> list[int]:
    first, dash, last = text.partition("-")
    if not (_is_port(first) and (_is_port(last) if dash else True)):
        raise ValueError(complaint)
    low, high = int(first), int(last or first)
    if high < low:
        raise ValueError(complaint)
    return list(range(low, high + 1))


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdigit() and int(text) < 65536


def _short_form(text: str) -> str:
    """`published=8080,target=80,protocol=tcp` in the colon form."""
    fields = {"target": "", "published": "", "protocol": "tcp"}
    for field in text.split(","):
        key, equals, value = field.partition("=")
        if not equals or (key not in fields and key != "mode"):
            raise ValueError(
                f"invalid publish opts format (should be name=value but got '{field}')"
            )
        fields[key] = value
    return f"{fields['published']}:{fields['target']}/{fields['protocol']}"
