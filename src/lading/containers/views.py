"""Containers as Docker's documents: inspect, list rows, and the words of `docker ps`.

Nothing is decided or changed here.
"""

import time

from msgspec import UNSET

from lading import quantities
from lading.containers import binds, oci_spec
from lading.containers.container import Container
from lading.containers.context import Context
from lading.containers.record import ContainerRecord, ContainerState
from lading.errors import LadingError
from lading.logs.lines import format_time
from lading.wire.containers import (
    ZERO_TIME,
    ContainerInspect,
    ContainerSummary,
    GraphDriver,
    HostConfigSummary,
    State,
)
from lading.wire.mounts import MountPoint
from lading.wire.networks import EndpointSettings, NetworkSettings, NetworkSettingsSummary


def inspect(
    container: Container, context: Context, exec_ids: list[str], *, size: bool
) -> ContainerInspect:
    """The answer to `GET /containers/{id}/json`."""
    record = container.record
    words = oci_spec.arguments(record)
    files, layout = context.layout.files(record.id), context.layout
    endpoints = _endpoints(container, context)
    bridge = endpoints.get("bridge", EndpointSettings())
    usage = context.snapshots.usage(record.id)[0] if size else None
    log_driver = record.host_config.log_config.type
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
        log_path=layout.log(record.id) if log_driver in ("", "json-file") else "",
        name=f"/{record.name}",
        restart_count=container.restarts.restarts,
        driver="overlay2",
        exec_ids=exec_ids or None,
        host_config=record.host_config,
        graph_driver=GraphDriver(name="overlay2", data={}),
        size_rw=UNSET if usage is None else usage,
        size_root_fs=UNSET if usage is None else usage,
        mounts=mounts(record),
        config=record.config,
        network_settings=NetworkSettings(
            sandbox_key=f"/proc/{record.state.pid}/ns/net" if record.state.pid else "",
            ports={},
            networks=endpoints,
            endpoint_id=bridge.endpoint_id,
            gateway=bridge.gateway,
            ip_address=bridge.ip_address,
            ip_prefix_len=bridge.ip_prefix_len,
            mac_address=bridge.mac_address,
        ),
    )


def summary(container: Container, context: Context, *, size: bool) -> ContainerSummary:
    """One row of `GET /containers/json`."""
    record = container.record
    usage = context.snapshots.usage(record.id)[0] if size else None
    return ContainerSummary(
        id=record.id,
        names=[f"/{record.name}"],
        image=record.config.image,
        image_id=record.image_id,
        command=" ".join(oci_spec.arguments(record)),
        created=record.created_ns // 1_000_000_000,
        size_rw=UNSET if usage is None else usage,
        size_root_fs=UNSET if usage is None else usage,
        labels=record.config.labels or {},
        state=record.state.status,
        status=status_text(record.state, time.time_ns()),
        host_config=HostConfigSummary(network_mode=record.host_config.network_mode),
        network_settings=NetworkSettingsSummary(networks=_endpoints(container, context)),
        mounts=mounts(record),
    )


def status_text(state: ContainerState, now_ns: int) -> str:
    """`Up 3 minutes`, `Exited (0) 2 seconds ago`, `Created`."""
    if state.is_running:
        age = quantities.format_age((now_ns - state.started_ns) // 1_000_000_000)
        return f"Up {age} (Paused)" if state.status == "paused" else f"Up {age}"
    if state.status == "exited":
        age = quantities.format_age((now_ns - state.finished_ns) // 1_000_000_000)
        return f"Exited ({state.exit_code}) {age} ago"
    return "Removal In Progress" if state.status == "removing" else "Created"


def _state(record: ContainerRecord) -> State:
    state = record.state
    return State(
        status=state.status,
        running=state.is_running,
        paused=state.status == "paused",
        oom_killed=state.oom_killed,
        pid=state.pid,
        exit_code=state.exit_code,
        error=state.error,
        started_at=format_time(state.started_ns) if state.started_ns else ZERO_TIME,
        finished_at=format_time(state.finished_ns) if state.finished_ns else ZERO_TIME,
    )


def _endpoints(container: Container, context: Context) -> dict[str, EndpointSettings]:
    """The networks of a container; one that does not run has its mode's name and no address."""
    mode = container.record.host_config.network_mode
    found = {
        endpoint.network_name: EndpointSettings(
            network_id=endpoint.network_id,
            endpoint_id=endpoint.id,
            gateway=endpoint.gateway,
            ip_address=endpoint.ip,
            ip_prefix_len=endpoint.prefix,
            mac_address=endpoint.mac,
        )
        for endpoint in context.networks.endpoints(container.id)
    }
    if not found and not mode.startswith("container:"):
        found[mode] = EndpointSettings()
    return found


def mounts(record: ContainerRecord) -> list[MountPoint]:
    """What is mounted in it beside the system's own file systems."""
    try:
        asked = binds.parse(record.host_config)
    except LadingError:
        return []  # a source of --mount has gone since
    return [
        MountPoint(
            type="bind",
            source=bind.source,
            destination=bind.destination,
            mode="",
            rw="ro" not in bind.options,
            propagation=next((o for o in bind.options if o in binds.PROPAGATIONS), ""),
        )
        for bind in asked
    ]
