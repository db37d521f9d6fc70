"""Containers as Docker's documents: inspect, list rows, and the words of `docker ps`.

Nothing is decided or changed here.
"""

import re
import time
from collections.abc import Callable, Iterable

from msgspec import UNSET

from lading import quantities
from lading.containers import binds, oci_spec
from lading.containers.container import Container
from lading.containers.context import Context
from lading.containers.lifecycle import policy_of
from lading.containers.record import ContainerRecord, ContainerState
from lading.errors import InvalidArgument, LadingError
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

Filters = dict[str, list[str]]


class BadExitedFilter(InvalidArgument):
    """invalid filter 'exited={0}'"""


class BadStatusFilter(InvalidArgument):
    """invalid filter 'status={0}'"""


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
        mounts=_mounts(record),
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
        mounts=_mounts(record),
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


def _mounts(record: ContainerRecord) -> list[MountPoint]:
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


def choose(
    containers: Iterable[Container],
    *,
    all: bool,
    limit: int | None,
    filters: Filters,
    find: Callable[[str], Container],
) -> list[Container]:
    """The containers that `ps` shows, newest first. `limit` and some filters imply `all`."""
    wide = all or bool(limit) or "status" in filters or "exited" in filters
    bounds = _bounds(filters, find)
    chosen = [
        container
        for container in containers
        if (wide or container.record.state.is_running)
        and bounds[0] < container.record.created_ns < bounds[1]
        and _matches(container, filters)
    ]
    chosen.sort(key=lambda container: container.record.created_ns, reverse=True)
    return chosen[:limit] if limit else chosen


def _bounds(filters: Filters, find: Callable[[str], Container]) -> tuple[int, int]:
    """Times of creation between which `since` and `before` allow."""
    since = [find(ref).record.created_ns for ref in filters.get("since", [])]
    before = [find(ref).record.created_ns for ref in filters.get("before", [])]
    return max(since, default=-1), min(before, default=1 << 63)


def _matches(container: Container, filters: Filters) -> bool:
    """Values of one filter are alternatives; filters, and labels, must all hold."""
    record = container.record
    tests: dict[str, Callable[[str], bool]] = {
        "id": record.id.startswith,
        "name": lambda value: _has_name(record, value),
        "status": lambda value: _has_status(record, value),
        "exited": lambda value: _has_exited(record, value),
        "ancestor": lambda value: _descends(record, value),
        "network": lambda value: record.host_config.network_mode == value,
        "volume": lambda value: any(value in (m.source, m.destination) for m in _mounts(record)),
        "is-task": lambda value: value in ("false", "0"),
        "health": lambda value: value == "none",
        "restart": lambda value: policy_of(record).name == value,
    }
    for name, values in filters.items():
        if name == "label":
            if not all(_has_label(record, value) for value in values):
                return False
        elif name in tests and not any(tests[name](value) for value in values):
            return False
    return True


def _has_name(record: ContainerRecord, value: str) -> bool:
    try:
        return re.search(value.lstrip("/"), record.name) is not None
    except re.error:
        return False  # dockerd: a pattern that is none matches nothing


def _has_status(record: ContainerRecord, value: str) -> bool:
    if value not in ("created", "running", "paused", "restarting", "removing", "exited", "dead"):
        raise BadStatusFilter(value)
    return record.state.status == value


def _has_exited(record: ContainerRecord, value: str) -> bool:
    if not value.lstrip("-").isdecimal():
        raise BadExitedFilter(value)
    return record.state.status == "exited" and record.state.exit_code == int(value)


def _descends(record: ContainerRecord, value: str) -> bool:
    """By image: as it was named, its id, or a prefix of its id."""
    if record.image_id.rpartition(":")[2].startswith(value.rpartition(":")[2]):
        return True
    image = record.config.image
    return image == value or image == f"{value}:latest" or f"{image}:latest" == value


def _has_label(record: ContainerRecord, value: str) -> bool:
    labels = record.config.labels or {}
    key, equals, wanted = value.partition("=")
    return key in labels and (not equals or labels[key] == wanted)
