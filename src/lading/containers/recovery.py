"""What the engine does first: bring its records and the kernel's facts together again.

    record says        the run directory has             then
    running            a monitor, and the same process   adopt the run, without asking
    running            a monitor that answers            adopt the run
    running            exit.json only                    record that exit
    running            nothing that answers              record a lost run (255), clean up
    not running        a monitor that answers            adopt: the start was done, not recorded
    any, or no record  anything else                     clean up

A start, exit or removal that was interrupted is so either done or absent; nothing is left between.
"""

import asyncio
import json
import os
import shutil
import socket
import time
from contextlib import suppress
from logging import getLogger

from msgspec.structs import replace

from lading.containers import groups, logging, publishing, restart
from lading.containers.container import Container, Run
from lading.containers.context import Context
from lading.containers.endpoints import wanted
from lading.containers.monitor import Monitor
from lading.containers.record import ContainerRecord, ContainerState
from lading.containers.service import Containers, load_records
from lading.containers.states import first_health
from lading.errors import LadingError
from lading.runtime import client, rundir

START_TIMEOUT_S = 5.0  # a start takes milliseconds once the spawner has it
log = getLogger(__name__)


async def recover(containers: Containers, context: Context) -> set[str]:
    """Load all containers and settle their runs; returns those that were up by their records.

    Damaged records are told in `context.damaged`.
    """
    records, damaged = load_records(context)
    context.damaged.update(damaged)
    for container_id, reason in damaged.items():
        log.error("container %s: %s", container_id, reason)
    for record in records:
        containers.known.restore(record)
    known = {record.id for record in records} | damaged.keys()
    _discard_strangers(context, known)
    found = await asyncio.gather(*(_is_adopted(containers, context, c) for c in containers.all()))
    alive = [c for c, is_adopted in zip(containers.all(), found, strict=True) if is_adopted]
    running = {container.id for container in alive}
    left = _left(context)
    names = {c.id: wanted(c.record).keys() for c in alive}
    strays = await context.call_network(lambda: context.networks.reconcile(running, names))
    for container in alive:
        for endpoint in strays.get(container.id, ()):
            await containers.networking.take_out(container, endpoint.network_id)
    context.volumes.mounting.reconcile(running)
    await containers.freezing.recover(containers.all())
    for container in containers.all():
        if container.id in running:
            await publishing.settle(context, container)
        elif container.id in left or not _is_at_rest(container.record):
            await _settle(containers, container)
    _end_stray_groups(context, running, known)
    return {record.id for record in records if record.state.is_up}


async def restart_stopped(containers: Containers, was_running: set[str]) -> None:
    """Start what the restart policies want running; after the engine answers."""
    for container in containers.all():
        state = container.record.state
        policy = restart.policy_of(container.record)
        wanted = not state.is_up and restart.at_engine_start(
            policy, was_running=container.id in was_running, was_stopped=state.was_stopped
        )
        if not wanted or not state.started_ns:
            continue
        try:
            await containers.start(container.id)
        except LadingError as error:
            log.warning("container %s: not restarted: %s", container.record.name, error)


def _discard_strangers(context: Context, known: set[str]) -> None:
    """Clean up after containers whose records are gone (or were never made durable)."""
    layout = context.layout
    for container_id in os.listdir(f"{layout.exec_root}/containers"):
        if container_id not in known:
            _kill_monitor(layout.exec_root, container_id)
            client.clean(layout.exec_root, container_id, layout.cgroup(container_id))
            shutil.rmtree(layout.run(container_id), ignore_errors=True)
    for name in os.listdir(f"{layout.data_root}/containers"):
        if name not in known:
            layout.remove_files(name)


def _is_at_rest(record: ContainerRecord) -> bool:
    """Whether it has ended, or never ran, and would have told if something were left of a run."""
    return (
        record.state.status in ("created", "exited")
        and not record.is_auto_removed
        and not record.host_config.cgroup_parent
    )


def _left(context: Context) -> set[str]:
    """The containers of which a run directory or a cgroup is there, or may be."""
    layout = context.layout
    left = set(os.listdir(f"{layout.exec_root}/containers"))
    left |= {group.container_id for group in groups.find(layout, context.trees)}
    return left


def _end_stray_groups(context: Context, running: set[str], known: set[str]) -> None:
    """What monitors that were killed together with the engine could not remove."""
    for group in list(
        groups.stray(context.layout, context.trees, running=running, is_known=known.__contains__)
    ):
        try:
            groups.end(group.path)
        except OSError as error:
            log.error("cgroup %s is not removed: %s", group.directory, error)


def _kill_monitor(exec_root: str, container_id: str) -> None:
    """End the container of a monitor that nobody asked to be kept."""
    try:
        descriptor = client.connect(exec_root, container_id)
    except OSError:
        return
    with socket.socket(fileno=descriptor) as connection:
        connection.settimeout(2)
        try:
            connection.send(json.dumps({"op": "signal", "seq": 1, "signal": 9}).encode())
            while connection.recv(1 << 18):  # until the monitor has cleaned up and hung up
                continue
        except OSError:
            return


async def _is_adopted(containers: Containers, context: Context, container: Container) -> bool:
    """Whether the container runs, by its monitor's word; then the run is ours again."""
    try:
        descriptor = client.connect(context.layout.exec_root, container.id)
    except OSError:
        return False
    run = Run()
    run.monitor = Monitor(descriptor, on_event=run.handle, on_close=run.handle_close)
    process = rundir.read(context.layout.run(container.id), rundir.STATE)
    try:
        is_running = _is_as_recorded(container.record.state, process) or await _tells_to_run(run)
    except LadingError:
        run.monitor.close()
        return False
    process = process or rundir.read(context.layout.run(container.id), rundir.STATE)
    if not is_running or process is None:
        await _wait_gone(run)
        return False
    if not container.record.state.is_running:
        state = ContainerState(
            status="running",
            pid=int(process["pid"]),
            start_time=int(process["start_time"]),
            started_ns=time.time_ns(),
            health=first_health(container.record),
        )
        container.record = replace(container.record, state=state)
        await context.save(container, "start")
    await _settle_freeze(context, container)
    with suppress(LadingError):
        quota = logging.plan_of(container.record).quota
        run.limit_log(context.layout.log(container.id), quota)
    await containers.lifecycle.adopt(container, run)
    return True


def _is_as_recorded(state: ContainerState, process: dict[str, object] | None) -> bool:
    """Whether the start that the record tells of is this one. Then there is nothing to ask, and
    nobody has to be woken for an answer: if it ends just now, the monitor says so or hangs up.
    """
    return (
        state.is_running
        and process is not None
        and (state.pid, state.start_time) == (process.get("pid"), process.get("start_time"))
    )


async def _tells_to_run(run: Run) -> bool:
    """Whether it runs by the monitor's word. Raises MonitorGone, MonitorRefused."""
    assert run.monitor is not None
    reply = await run.monitor.call("state")
    return reply.fields.get("status") == "running" or await _comes_to_run(run)


async def _settle_freeze(context: Context, container: Container) -> None:
    """A pause or its end that the crash interrupted: what the kernel has is what holds.

    A group on its way to be frozen goes on instead.
    """
    group = context.group(container)
    try:
        is_frozen = group.is_freezing() and group.is_frozen()
        if not is_frozen and group.is_freezing():
            group.thaw()
    except (OSError, LadingError):
        return  # no freezer here, or the container has just ended
    status = "paused" if is_frozen else "running"
    state = container.record.state
    if state.status != status:
        container.record = replace(container.record, state=replace(state, status=status))
        await context.save(container, "pause" if is_frozen else "unpause")


async def _comes_to_run(run: Run) -> bool:
    """Whether a start that the crash left in the middle succeeds; the monitor goes on with it."""
    try:
        event = await asyncio.wait_for(asyncio.shield(run.started), START_TIMEOUT_S)
    except TimeoutError:
        return False
    return event.get("event") == "started"


async def _wait_gone(run: Run) -> None:
    """A monitor that is on its way out writes the exit before it hangs up."""
    try:
        await asyncio.wait_for(asyncio.shield(run.exited), 5)
    except TimeoutError:
        log.warning("a monitor neither runs a container nor ends")
    if run.monitor:
        run.monitor.close()


async def _settle(containers: Containers, container: Container) -> None:
    """A container that does not run: record how it ended, and clean up after its run."""
    context = containers.context
    outcome = client.read_exit(context.layout.exec_root, container.id)
    if container.record.state.is_running:
        if outcome is None:
            context.clean_after_monitor(container)
        containers.lifecycle.probing.restore(container)
        await containers.lifecycle.exits.record(container, None, outcome)
    elif container.record.state.status == "restarting":
        container.restarts = restart.History(container.record.state.restart_count)
        state = replace(container.record.state, status="exited")
        container.record = replace(container.record, state=state)
        await context.save(container)
    elif container.record.state.status == "removing":
        await containers.lifecycle.remove(container, force=True)
    elif outcome is not None and _is_news(container.record.state, outcome):
        # a whole life between a start that was not recorded and now
        state = replace(container.record.state, started_ns=int(outcome["finished_at_ns"]))
        container.record = replace(container.record, state=state)
        await containers.lifecycle.exits.record(container, None, outcome)
    else:
        context.clean_after_monitor(container)
        if container.record.is_auto_removed and container.record.state.finished_ns:
            await containers.lifecycle.remove(container, force=True)


def _is_news(state: ContainerState, outcome: dict[str, object]) -> bool:
    """Whether this exit is not the one that the record knows."""
    return int(str(outcome["finished_at_ns"])) > state.finished_ns
