"""Which client may see, or ask for, which field: one table, applied in one place.

A client names the version of the API it speaks (`/v1.44/...`). Fields that its version does not
know are taken out of answers and ignored in requests; fields that were dropped since are put back.
Nearly every client speaks the newest version, and then nothing here costs anything.
Source: https://docs.docker.com/reference/api/engine/version-history/
"""

from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from lading.errors import InvalidArgument
from lading.version import API_VERSION, MIN_API_VERSION
from lading.wire.containers import ContainerCreate, ContainerInspect, ContainerSummary
from lading.wire.events import EventMessage
from lading.wire.exec import ExecConfig, ExecStart
from lading.wire.images import ImageInspect, ImageSummary
from lading.wire.networks import NetworkConnect, NetworkCreate, NetworkInspect
from lading.wire.system import DiskUsage, Info


class TooNew(InvalidArgument):
    """client version {0} is too new. Maximum supported API version is {1}"""


class TooOld(InvalidArgument):
    """client version {0} is too old. Minimum supported API version is {1}, please upgrade your client to a newer version"""  # noqa: E501


class ApiVersion(NamedTuple):
    """A version of the Engine API; compares as numbers, not as text."""

    major: int
    minor: int

    @classmethod
    def parse(cls, text: str) -> "ApiVersion":
        """`1.44`; what is missing is 0."""
        numbers = [int(part) for part in text.split(".") if part]
        return cls(*[*numbers, 0, 0][:2])

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"


NEWEST = ApiVersion.parse(API_VERSION)
OLDEST = ApiVersion.parse(MIN_API_VERSION)


def negotiate(asked: str | None) -> ApiVersion:
    """The version to speak; a path without one means the newest. Raises TooNew, TooOld."""
    if asked is None:
        return NEWEST
    version = ApiVersion.parse(asked)
    if version > NEWEST:
        raise TooNew(asked, NEWEST)
    if version < OLDEST:
        raise TooOld(asked, OLDEST)
    return version


class Field(NamedTuple):
    """A field that exists from `since` on, and before `until`.

    `path` walks through objects by name, `*` is every element of a list or map. Without `put_back`
    the field is taken away outside its versions. With it the field is one that we never have, and
    within its versions it gets that value (a callable makes it from the object that it goes into).
    """

    path: str
    since: str = "1.0"
    until: str = "99.0"
    put_back: Any = msgspec.UNSET

    def changes(self, version: ApiVersion) -> bool:
        """Whether something is to be done for a client of that version."""
        is_known = ApiVersion.parse(self.since) <= version < ApiVersion.parse(self.until)
        return is_known == (self.put_back is not msgspec.UNSET)


_NO_CONFIG = {
    "AttachStderr": False,
    "AttachStdin": False,
    "AttachStdout": False,
    "Domainname": "",
    "Hostname": "",
    "Image": "",
    "OpenStdin": False,
    "StdinOnce": False,
    "Tty": False,
}  # never said anything of an image; gone since 1.50
_EMPTY_CONFIG = {
    "Cmd": None,
    "Entrypoint": None,
    "Env": None,
    "Labels": None,
    "OnBuild": None,
    "User": "",
    "Volumes": None,
    "WorkingDir": "",
}  # always there, even if empty, until 1.52

_SUMMARY = (
    Field("HostConfig.Annotations", since="1.46"),
    Field("ImageManifestDescriptor", since="1.48"),
    Field("NetworkSettings.Networks.*.DNSNames", since="1.44"),
    Field("NetworkSettings.Networks.*.GwPriority", since="1.48"),
)

FIELDS: dict[type, tuple[Field, ...]] = {
    ContainerSummary: _SUMMARY,
    ContainerInspect: (
        Field("ImageManifestDescriptor", since="1.48"),
        Field("HostConfig.Annotations", since="1.43"),
        Field("HostConfig.KernelMemory", until="1.42"),
        Field("HostConfig.KernelMemoryTCP", until="1.42"),
        Field("NetworkSettings.Networks.*.DNSNames", since="1.44"),
        Field("NetworkSettings.Networks.*.GwPriority", since="1.48"),
    ),
    ImageSummary: (
        Field("VirtualSize", until="1.44", put_back=lambda image: image["Size"]),
        Field("Descriptor", since="1.48"),
        Field("Manifests", since="1.47"),
    ),
    ImageInspect: (
        Field("VirtualSize", until="1.44", put_back=lambda image: image["Size"]),
        Field("Container", until="1.45"),
        Field("ContainerConfig", until="1.45"),
        Field("Descriptor", since="1.48"),
        Field("Manifests", since="1.48"),
        *(Field(f"Config.{name}", until="1.50", put_back=v) for name, v in _NO_CONFIG.items()),
        *(Field(f"Config.{name}", put_back=v) for name, v in _EMPTY_CONFIG.items()),
    ),
    Info: (
        Field("FirewallBackend", since="1.49"),
        Field("Runtimes.*.status", since="1.44"),
        Field("CDISpecDirs", since="1.44"),
        Field("BridgeNfIptables", until="1.50", put_back=False),
        Field("BridgeNfIp6tables", until="1.50", put_back=False),
        *(
            Field(f"{name}.Expected", until="1.49", put_back=lambda commit: commit["ID"])
            for name in ("ContainerdCommit", "RuncCommit", "InitCommit")
        ),
    ),
    DiskUsage: (
        Field("BuilderSize", until="1.42", put_back=0),
        Field("Images.*.VirtualSize", until="1.44", put_back=lambda image: image["Size"]),
        Field("Images.*.Descriptor", since="1.48"),
        Field("Images.*.Manifests", since="1.47"),
        *(Field(f"Containers.*.{field.path}", field.since) for field in _SUMMARY),
    ),
    NetworkInspect: (Field("Status", since="1.52"),),
    EventMessage: tuple(Field(name, until="1.52") for name in ("status", "id", "from")),
    # --- asked ---
    ContainerCreate: (
        Field("HostConfig.Annotations", since="1.43"),
        Field("HostConfig.ConsoleSize", since="1.42"),
        Field("HostConfig.KernelMemory", until="1.42"),
        Field("HostConfig.KernelMemoryTCP", since="1.40", until="1.42"),
        Field("HostConfig.Mounts.*.BindOptions.NonRecursive", since="1.40"),
        Field("HostConfig.Mounts.*.BindOptions.CreateMountpoint", since="1.42"),
        Field("HostConfig.AutoRemove", since="1.25"),
        Field("Healthcheck.StartInterval", since="1.44"),
        Field("NetworkingConfig.EndpointsConfig.*.GwPriority", since="1.48"),
    ),
    NetworkCreate: (Field("EnableIPv4", since="1.48"),),
    NetworkConnect: (Field("EndpointConfig.GwPriority", since="1.48"),),
    ExecConfig: (Field("ConsoleSize", since="1.42"),),
    ExecStart: (Field("ConsoleSize", since="1.42"),),
}


@lru_cache(maxsize=1024)
def fields_to_change(kind: Any, version: ApiVersion) -> tuple[Field, ...]:
    """The rows of the table that change something in this document for this client."""
    return tuple(field for field in FIELDS.get(kind, ()) if field.changes(version))


def fit(document: Any, kind: type, version: ApiVersion) -> Any:
    """`document` (plain dicts and lists) as a client of that version expects it; in place."""
    for field in fields_to_change(kind, version):
        *parents, name = field.path.split(".")
        for parent in _walk(document, parents):
            if field.put_back is msgspec.UNSET:
                parent.pop(name, None)
            elif name not in parent:
                value = field.put_back
                parent[name] = value(parent) if callable(value) else value
    return document


def _walk(node: Any, path: list[str]) -> list[dict[str, Any]]:
    """Every object at that path."""
    if not path:
        return [node] if isinstance(node, dict) else []
    first, *rest = path
    if first != "*":
        return _walk(node.get(first), rest) if isinstance(node, dict) else []
    children = node.values() if isinstance(node, dict) else node
    return [found for child in children or () for found in _walk(child, rest)]
