"""Containers as Docker's documents: inspect, list rows, and the words of `docker ps`.

Nothing is decided or changed here.
"""

import time
from collections.abc import Sequence
from typing import NamedTuple

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from lading import quantities
from lading.containers import logging, oci_spec, published
from lading.containers.container import Container
from lading.containers.context import Context
from lading.containers.endpoints import settings_of
from lading.containers.listing import Facts
from lading.containers.mountpoints import views as mount_views
from lading.containers.record import ContainerRecord, ContainerState, Health
from lading.errors import LadingError
from lading.logs.lines import format_time
from lading.wire.containers import (
    ZERO_TIME,
    ContainerInspect,
    ContainerSummary,
    GraphDriver,
    HealthResult,
    HostConfigSummary,
    State,
)
from lading.wire.containers import Health as HealthDocument
from lading.wire.host_config import HostConfig
from lading.wire.mounts import MountPoint
from lading.wire.networks import EndpointSettings, NetworkSettings, NetworkSettingsSummary


class Sizes(NamedTuple):
    """Bytes of a container's own layer, and of the layers of its image."""

    own: int
    image: int


def inspect(
    container: Container, context: Context, exec_ids: list[str], sizes: Sizes | None
) -> ContainerInspect:
    """The answer to `GET /containers/{id}/json`."""
    record = container.record
    walls = context.security.walls(record)
    words = oci_spec.arguments(record)
    files, layout = context.layout.files(record.id), context.layout
    endpoints = _endpoints(container, context)
    bridge = endpoints.get("bridge", EndpointSettings())
    return ContainerInspect(
        id=record.id,
        created=format_time(record.created_ns),
        path=words[0] if words else "",
        args=words[1:],
        state=_state(record),
        image=record.image_id,
        resolv_conf_path=f"{files}/resolv.conf",
        hostname_path=f"{files}/hostname",
        hosts_path=f"{files}/hosts",
        log_path=logging.log_path(record, layout),
        name=f"/{record.name}",
        restart_count=record.state.restart_count,
        driver=context.snapshots.name,
        mount_label=walls.mount_label,
        process_label=walls.process_label,
        app_armor_profile=walls.apparmor,
        exec_ids=exec_ids or None,
        host_config=_host_config(record, context),
        graph_driver=GraphDriver(name=context.snapshots.name, data={}),
        size_rw=UNSET if sizes is None else sizes.own,
        size_root_fs=UNSET if sizes is None else sizes.own + sizes.image,
        mounts=mounts(record, context),
        config=record.config,
        network_settings=NetworkSettings(
            sandbox_key=f"/proc/{record.state.pid}/ns/net" if record.state.pid else "",
            ports=published.port_map(record, context.networks.ports.of(record.id))
            if record.state.is_running
            else {},
            networks=endpoints,
            endpoint_id=bridge.endpoint_id,
            gateway=bridge.gateway,
            ip_address=bridge.ip_address,
            ip_prefix_len=bridge.ip_prefix_len,
            ipv6_gateway=bridge.ipv6_gateway,
            global_ipv6_address=bridge.global_ipv6_address,
            global_ipv6_prefix_len=bridge.global_ipv6_prefix_len,
            mac_address=bridge.mac_address if record.state.is_running else "",
        ),
    )


def summary(
    container: Container, context: Context, sizes: Sizes | None, links: Sequence[str] = ()
) -> ContainerSummary:
    """One row of `GET /containers/json`; `links` are names that others have for it."""
    record = container.record
    return ContainerSummary(
        id=record.id,
        names=[f"/{record.name}", *links],
        image=record.config.image,
        image_id=record.image_id,
        command=command_line(record),
        created=record.created_ns // 1_000_000_000,
        ports=published.summaries(record, context.networks.ports.of(record.id)),
        size_rw=sizes.own if sizes and sizes.own else UNSET,
        size_root_fs=UNSET if sizes is None else sizes.own + sizes.image,
        labels=record.config.labels or {},
        state=record.state.status,
        status=status_text(record.state, time.time_ns()),
        host_config=HostConfigSummary(network_mode=record.host_config.network_mode),
        network_settings=NetworkSettingsSummary(networks=_endpoints(container, context)),
        mounts=mounts(record, context),
    )


def _host_config(record: ContainerRecord, context: Context) -> HostConfig:
    """As it was asked, with what holds where nothing was."""
    host = record.host_config
    masked, fixed = host.masked_paths, host.readonly_paths
    if not host.privileged:
        masked = oci_spec.MASKED_PATHS if masked is None else masked
        fixed = oci_spec.READONLY_PATHS if fixed is None else fixed
    links = _links(record, context)
    return replace(host, links=links, masked_paths=masked, readonly_paths=fixed)


def _links(record: ContainerRecord, context: Context) -> list[str] | None:
    """The links as inspect tells them: /child:/parent/alias, by the names of today."""
    found = []
    for alias, child in record.links.items():
        try:
            name = context.find(child).record.name
        except LadingError:
            continue  # it was removed; so is the link
        found.append(f"/{name}:/{record.name}/{alias}")
    return found or None


def facts(container: Container, context: Context) -> Facts:
    """What the filters of a list ask of it."""
    endpoints = _endpoints(container, context)
    names = {*endpoints, *(settings.network_id for settings in endpoints.values())} - {""}
    return Facts(
        mounts(container.record, context),
        published.asked(container.record),
        frozenset(names),
        health_word(container.record.state),
    )


def command_line(record: ContainerRecord) -> str:
    """What runs, in one line; words with spaces in quotes."""
    first, *rest = oci_spec.arguments(record) or [""]
    return " ".join([first, *(f"'{word}'" if " " in word else word for word in rest)])


def status_text(state: ContainerState, now_ns: int) -> str:
    """`Up 3 minutes`, `Exited (0) 2 seconds ago`, `Created`."""
    if state.is_running:
        age = quantities.format_age((now_ns - state.started_ns) // 1_000_000_000)
        if state.status == "paused":
            return f"Up {age} (Paused)"
        return f"Up {age}{_HEALTH_TEXT[state.health.status]}" if state.health else f"Up {age}"
    if state.status in ("exited", "restarting"):
        age = quantities.format_age((now_ns - state.finished_ns) // 1_000_000_000)
        word = "Exited" if state.status == "exited" else "Restarting"
        return f"{word} ({state.exit_code}) {age} ago"
    return "Removal In Progress" if state.status == "removing" else "Created"


def health_word(state: ContainerState) -> str:
    """What the filter `health` knows it by."""
    return state.health.status if state.health and state.is_running else "none"


_HEALTH_TEXT = {
    "starting": " (health: starting)",
    "healthy": " (healthy)",
    "unhealthy": " (unhealthy)",
}


def _health(found: Health | None) -> HealthDocument | UnsetType:
    if found is None:
        return UNSET
    results = [
        HealthResult(
            start=format_time(result.start_ns),
            end=format_time(result.end_ns),
            exit_code=result.exit_code,
            output=result.output,
        )
        for result in found.log
    ]
    return HealthDocument(status=found.status, failing_streak=found.failing_streak, log=results)


def _state(record: ContainerRecord) -> State:
    state = record.state
    return State(
        status=state.status,
        running=state.is_up,
        restarting=state.status == "restarting",
        paused=state.status == "paused",
        oom_killed=state.oom_killed,
        pid=state.pid,
        exit_code=state.exit_code,
        error=state.error,
        started_at=format_time(state.started_ns) if state.started_ns else ZERO_TIME,
        finished_at=format_time(state.finished_ns) if state.finished_ns else ZERO_TIME,
        health=_health(state.health),
    )


def _endpoints(container: Container, context: Context) -> dict[str, EndpointSettings]:
    """The networks of a container, with addresses where it runs."""
    made = context.networks.endpoints(container.id)
    return settings_of(container.record, made, context.find_network)


def mounts(record: ContainerRecord, context: Context) -> list[MountPoint]:
    """What is mounted in it beside the system's own file systems."""
    return mount_views.documents(record.mounts or [], context.volumes.path_of)
