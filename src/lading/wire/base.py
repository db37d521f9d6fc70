"""What every Docker document of ours has in common: its names and its strictness.

A field is spelled the Python way here and the Docker way on the wire. Docker's spelling is Go's
(`NetworkID`, `UTSMode`, `CpusetCpus`): mostly one capital per word, with exceptions that no rule
gives. So the exceptions are a table, and a name that is irregular in one document only (`ID` of an
exec, `tty` of its process) is given at the field.

How Go's three kinds of "nothing" are written:

    Go                        here                               on the wire
    string, int, bool         str = "", int = 0, bool = False    always there
    []T, map, *T              list[T] | None = None              null
    any of them, omitempty    T | UnsetType = UNSET              absent

Source of names and kinds: Docker Engine API v1.51, https://docs.docker.com/reference/api/engine/
"""

from typing import Annotated, Any, dataclass_transform

from msgspec import Meta, Struct, StructMeta, field

IRREGULAR = {
    "blkio_device_read_iops": "BlkioDeviceReadIOps",
    "blkio_device_write_iops": "BlkioDeviceWriteIOps",
    "container_id": "ContainerID",
    "container_id_file": "ContainerIDFile",
    "cpu_set": "CPUSet",
    "cpu_shares_supported": "CPUShares",
    "device_ids": "DeviceIDs",
    "dns_names": "DNSNames",
    "endpoint_id": "EndpointID",
    "exec_ids": "ExecIDs",
    "global_ipv6_address": "GlobalIPv6Address",
    "global_ipv6_prefix_len": "GlobalIPv6PrefixLen",
    "image_id": "ImageID",
    "insecure_registry_cidrs": "InsecureRegistryCIDRs",
    "io_maximum_bandwidth": "IOMaximumBandwidth",
    "io_maximum_iops": "IOMaximumIOps",
    "ip_address": "IPAddress",
    "ip_prefix_len": "IPPrefixLen",
    "ipam_config": "IPAMConfig",
    "ipv4_address": "IPv4Address",
    "ipv4_forwarding": "IPv4Forwarding",
    "ipv6_address": "IPv6Address",
    "ipv6_gateway": "IPv6Gateway",
    "kernel_memory_tcp": "KernelMemoryTCP",
    "link_local_ips": "LinkLocalIPs",
    "link_local_ipv6_address": "LinkLocalIPv6Address",
    "link_local_ipv6_prefix_len": "LinkLocalIPv6PrefixLen",
    "min_api_version": "MinAPIVersion",
    "n_cpu": "NCPU",
    "network_id": "NetworkID",
    "node_id": "NodeID",
    "oom_killed": "OOMKilled",
    "os_type": "OSType",
    "os_version": "OSVersion",
    "root_fs": "RootFS",
    "rw": "RW",
    "sandbox_id": "SandboxID",
    "secondary_ip_addresses": "SecondaryIPAddresses",
    "secondary_ipv6_addresses": "SecondaryIPv6Addresses",
    "cdi_spec_dirs": "CDISpecDirs",
    "uts_mode": "UTSMode",
}


def docker_name(name: str) -> str:
    """The wire spelling of a field: `stop_timeout` -> `StopTimeout`, `uts_mode` -> `UTSMode`."""
    return IRREGULAR.get(name) or "".join(word.capitalize() for word in name.split("_"))


class _WireMeta(StructMeta):
    """Gives every document, not only the base, keyword-only frozen fields with wire names."""

    def __new__(
        mcls, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **config: Any
    ) -> "_WireMeta":
        defaults: dict[str, Any] = {"kw_only": True, "frozen": True, "rename": docker_name}
        return super().__new__(mcls, name, bases, namespace, **(defaults | config))


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(field,))
class Document(Struct, metaclass=_WireMeta, kw_only=True, frozen=True):
    """A document that we write; strangers' additions to it are ignored when read back."""


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(field,))
class Asked(Struct, metaclass=_WireMeta, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A document that clients write.

    Unknown fields fail the strict pass of `lading.wire.codec.decode`, whose lenient pass then finds
    out whether the name was only spelled in another case (Go folds it) or means nothing.
    """


# Go's strslice.StrSlice: a list of words that may also come as one string, meaning a list of one.
StrSlice = Annotated[list[str], Meta(extra={"one_string_is_a_list": True})]
# A set as Go writes it: {"80/tcp": {}, "/data": {}}.
KeySet = dict[str, dict[str, object]]
