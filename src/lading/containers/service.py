"""Containers: the verbs of the API's tags Container and Exec, one method each.

This is the room's door. It finds the container, checks what can be checked without doing, and hands
over: changes of state to `lifecycle`, output and input to `attach`, further processes to `exec`.
"""

import asyncio
import os
import time
from collections.abc import Awaitable
from contextlib import suppress

from msgspec.structs import replace

from lading import names
from lading.containers import (
    admission,
    logging,
    oci_spec,
    signals,
    store,
    views,
)
from lading.containers.attach import Attachment, open_stdin
from lading.containers.container import Container
from lading.containers.context import Context
from lading.containers.exec import ExecAttachment, Execs
from lading.containers.lifecycle import Lifecycle
from lading.containers.log_stream import LogStream
from lading.containers.merge import merge
from lading.containers.monitor import MonitorGone
from lading.containers.record import (
    AmbiguousId,
    ContainerRecord,
    NameInUse,
    NoSuchContainer,
    NotRunning,
)
from lading.errors import Conflict, InvalidArgument, LadingError, NotModified
from lading.failpoints import fp
from lading.images.remove import User
from lading.kernel.cgroup import Cgroup
from lading.logs import LogQuery
from lading.logs.options import NotReadable
from lading.oci.config import ExecutionConfig
from lading.wire.containers import (
    ContainerCreate,
    ContainerCreated,
    ContainerInspect,
    ContainerSummary,
    WaitResult,
)
from lading.wire.exec import ExecConfig, ExecInspect, ExecStart
from lading.wire.host_config import HostConfig
from lading.wire.networks import NetworkingConfig

STOP_TIMEOUT_S = 10  # Docker's, when neither client nor container says
KILL_TIMEOUT_S = 10.0  # how long a killed process may take to be gone
NAME_TRIES = 6  # of generated names, then the id serves


class AlreadyStopped(NotModified):
    """container is already stopped"""


class AlreadyPaused(Conflict):
    """container {0} is already paused"""


class NotPaused(Conflict):
    """container {0} is not paused"""


class PausedAttach(Conflict):
    """container {0} is paused, unpause the container before attach"""


class NoStreams(InvalidArgument):
    """Bad parameters: you must choose at least one stream"""


class BadWaitCondition(InvalidArgument):
    """invalid condition: "{0}\""""


class SameName(InvalidArgument):
    """Renaming a container with the same name as its current name"""


class StillAlive(Conflict):
    """tried to kill container, but did not receive an exit event"""


class Containers:
    """All containers of one engine, by id and by name."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self._known: dict[str, Container] = {}
        self._names: dict[str, str] = {}  # name -> id
        self.lifecycle = Lifecycle(context)
        self.execs = Execs(context)
        context.find = self.find

    # --- finding ------------------------------------------------------------------------------

    def add(self, record: ContainerRecord) -> Container:
        """Make a stored record live; used by create and by recovery."""
        container = Container(record)
        self._known[record.id] = container
        self._names[record.name] = record.id
        return container

    def all(self) -> list[Container]:
        """Every container, removed ones forgotten, in order of creation."""
        for container in [c for c in self._known.values() if c.is_removed]:
            self._forget(container)
        return list(self._known.values())

    def find(self, ref: str) -> Container:
        """By full id, then name, then unique prefix. Raises NoSuchContainer, AmbiguousId."""
        container = self._known.get(ref) or self._known.get(self._names.get(ref.lstrip("/"), ""))
        if container is None and ref:
            matches = [c for i, c in self._known.items() if i.startswith(ref) and not c.is_removed]
            if len(matches) > 1:
                raise AmbiguousId(ref)
            container = matches[0] if matches else None
        if container is None or container.is_removed:
            raise NoSuchContainer(ref)
        return container

    def users_of(self, image_id: str) -> list[User]:
        """Which containers were made from an image: asked by the images room before a removal."""
        return [
            User(c.id, c.record.state.is_running)
            for c in self.all()
            if c.record.image_id == image_id
        ]

    def _forget(self, container: Container) -> None:
        self._known.pop(container.id, None)
        if self._names.get(container.record.name) == container.id:
            del self._names[container.record.name]

    # --- create, start, stop, remove ----------------------------------------------------------

    async def create(
        self, request: ContainerCreate, *, name: str | None, platform: str | None
    ) -> ContainerCreated:
        """Create a container of an image that is here. Raises NoSuchImage, NameInUse, ..."""
        if name:
            name = names.check_name(name)
        image = await self.context.images.resolve(request.image, platform=platform)
        record = self._new_record(request, image.id, image.config.config or ExecutionConfig())
        warnings = admission.check(record)
        snapshots, layout = self.context.snapshots, self.context.layout
        fp("create.before-snapshot")
        snapshots.prepare(record.id, image.chain_id or None, record=False)
        try:
            layout.make_files(record.id)
            container = await self._insert(record, name, image.chain_id or None)
        except BaseException:
            snapshots.remove(record.id, record=False)
            layout.remove_files(record.id)
            raise
        fp("create.after-row")
        return ContainerCreated(id=container.id, warnings=warnings)

    def _new_record(
        self, request: ContainerCreate, image_id: str, defaults: ExecutionConfig
    ) -> ContainerRecord:
        container_id = names.new_id()
        config = merge(request.config(), defaults)
        host = request.host_config or HostConfig()
        if not config.hostname:
            is_hosts = "host" in (host.network_mode, host.uts_mode)
            hostname = os.uname().nodename if is_hosts else names.short_id(container_id)
            config = replace(config, hostname=hostname)
        if host.network_mode in ("", "default"):
            host = replace(host, network_mode="bridge")
        return ContainerRecord(
            id=container_id,
            name="",
            created_ns=time.time_ns(),
            image_reference=request.image,
            image_id=image_id,
            config=config,
            host_config=replace(
                host,
                log_config=logging.with_defaults(host.log_config, self.context.log_default),
                ipc_mode=host.ipc_mode or "private",
                cgroupns_mode=host.cgroupns_mode or "private",
                shm_size=host.shm_size or oci_spec.SHM_SIZE,
            ),
            networking=request.networking_config or NetworkingConfig(),
        )

    async def _insert(
        self, record: ContainerRecord, name: str | None, parent: str | None
    ) -> Container:
        """Store the record under the name, or under a generated one that is free."""
        for attempt in range(1 if name else NAME_TRIES + 1):
            generated = names.generate_name(attempt) if attempt < NAME_TRIES else ""
            container = Container(
                replace(record, name=name or generated or names.short_id(record.id))
            )
            try:
                await self.context.insert(container, parent, "create")
            except NameInUse:
                if name or not generated:
                    raise
                continue
            self._known[record.id] = container
            self._names[container.record.name] = record.id
            return container
        raise AssertionError("unreachable: the last attempt returns or raises")

    async def start(self, ref: str) -> None:
        """Start it; 304 when it runs."""
        await self.lifecycle.start(self.find(ref))

    async def stop(self, ref: str, *, signal: str | None, timeout_s: int | None) -> None:
        """Signal it, wait, kill it. A negative timeout waits for ever; 304 when it does not run."""
        container = self.find(ref)
        if not container.record.state.is_running:
            self.lifecycle.mark_stopped(container)  # no restart policy brings it back either
            await self.context.save(container)
            raise AlreadyStopped
        await self._stop(container, signal, timeout_s)
        await self.context.publish(container, "stop")

    async def _stop(self, container: Container, signal: str | None, timeout_s: int | None) -> None:
        config = container.record.config
        number = signals.parse(signal or config.stop_signal or "TERM")
        patience = timeout_s if timeout_s is not None else config.stop_timeout
        patience = STOP_TIMEOUT_S if patience is None or not isinstance(patience, int) else patience
        self.lifecycle.mark_stopped(container)
        with suppress(MonitorGone):  # it ends by itself just now
            await self._signal(container, number)
        if not await _ended(container, None if patience < 0 else float(patience)):
            with suppress(MonitorGone):
                await self._signal(container, 9)
            if not await _ended(container, KILL_TIMEOUT_S):
                raise StillAlive

    async def restart(self, ref: str, *, signal: str | None, timeout_s: int | None) -> None:
        """Stop it if it runs, then start it; `--rm` does not remove it in between."""
        container = self.find(ref)
        container.keeps = True
        try:
            if container.record.state.is_running:
                await self._stop(container, signal, timeout_s)
            await self.lifecycle.start(container)
        finally:
            container.keeps = False
        await self.context.publish(container, "restart")

    async def kill(self, ref: str, *, signal: str | None) -> None:
        """Send a signal, KILL by default; after that one, return when it is gone."""
        container = self.find(ref)
        number = signals.parse(signal or "KILL")
        if not container.record.state.is_running:
            raise NotRunning(container.id)
        stop_signal = signals.parse(container.record.config.stop_signal or "TERM")
        if number in (9, stop_signal):
            self.lifecycle.mark_stopped(container)
        await self._signal(container, number)
        if number == 9 and not await _ended(container, KILL_TIMEOUT_S):
            raise StillAlive

    async def _signal(self, container: Container, number: int) -> None:
        """Signal the first process, thawing it first where a frozen one would never see it."""
        await self.lifecycle.signal(container, number)
        await self.context.publish(container, ("kill", {"signal": str(number)}))
        if container.record.state.status == "paused" and number != 19:
            await self._thaw(container)

    async def remove(self, ref: str, *, force: bool, volumes: bool, link: bool) -> None:
        """Remove it; by force also a running one."""
        if link:
            raise InvalidArgument("links between containers are not supported")
        await self.lifecycle.remove(self.find(ref), force=force)

    async def rename(self, ref: str, name: str) -> None:
        """Give it another name. Raises NameInUse."""
        container = self.find(ref)
        name, earlier = names.check_name(name), container.record
        if name == earlier.name:
            raise SameName
        async with container.lock:
            container.record = replace(container.record, name=name)
            try:
                await self.context.save(container, ("rename", {"oldName": f"/{earlier.name}"}))
            except LadingError:
                container.record = replace(container.record, name=earlier.name)
                raise
        self._names.pop(earlier.name, None)
        self._names[name] = container.id

    async def pause(self, ref: str) -> None:
        """Freeze all its processes."""
        container = self.find(ref)
        if container.record.state.status == "paused":
            raise AlreadyPaused(container.id)
        if not container.record.state.is_running:
            raise NotRunning(container.id)
        await asyncio.to_thread(Cgroup(self.context.layout.cgroup(container.id)).freeze)
        await self._change_status(container, "paused", "pause")

    async def unpause(self, ref: str) -> None:
        """Let them run again."""
        container = self.find(ref)
        if container.record.state.status != "paused":
            raise NotPaused(container.id)
        await self._thaw(container)

    async def _thaw(self, container: Container) -> None:
        await asyncio.to_thread(Cgroup(self.context.layout.cgroup(container.id)).thaw)
        await self._change_status(container, "running", "unpause")

    async def _change_status(self, container: Container, status: str, event: str) -> None:
        if container.record.state.is_running:
            state = replace(container.record.state, status=status)
            container.record = replace(container.record, state=state)
            await self.context.save(container, event)

    # --- looking ------------------------------------------------------------------------------

    def inspect(self, ref: str, *, size: bool) -> ContainerInspect:
        """Everything about one container."""
        container = self.find(ref)
        return views.inspect(container, self.context, self.execs.ids_of(container), size=size)

    def list(
        self, *, all: bool, limit: int | None, size: bool, filters: dict[str, list[str]]
    ) -> list[ContainerSummary]:
        """Containers, newest first; running ones only, unless asked otherwise."""
        chosen = views.choose(self.all(), all=all, limit=limit, filters=filters, find=self.find)
        return [views.summary(container, self.context, size=size) for container in chosen]

    def wait(self, ref: str, condition: str) -> Awaitable[WaitResult]:
        """Registered when this returns. Conditions: not-running (or empty), next-exit, removed."""
        if condition not in ("", "not-running", "next-exit", "removed"):
            raise BadWaitCondition(condition)
        return self.find(ref).wait_nowait(condition)

    async def resize(self, ref: str, *, height: int, width: int) -> None:
        """Set the size of its terminal. Raises NotRunning."""
        container = self.find(ref)
        run = container.run
        if run is None or run.has_ended or run.monitor is None:
            raise NotRunning(container.id)
        await run.monitor.call("resize", height=height, width=width)
        details = {"height": str(height), "width": str(width)}
        await self.context.publish(container, ("resize", details))

    # --- output and input ---------------------------------------------------------------------

    def logs(
        self,
        ref: str,
        *,
        follow: bool,
        stdout: bool,
        stderr: bool,
        since_ns: int | None,
        until_ns: int | None,
        timestamps: bool,
        tail: int | None,
        details: bool,
    ) -> LogStream:
        """What it has written, and with `follow` what it writes until it ends."""
        if not (stdout or stderr):
            raise NoStreams
        container = self.find(ref)
        plan = logging.plan_of(container.record)
        if not plan.is_readable:
            raise NotReadable
        until_ns = until_ns if until_ns and until_ns > 0 else 0
        told = plan.details if details else None
        query = LogQuery(stdout, stderr, since_ns or 0, until_ns, tail, timestamps, told)
        return LogStream(container, self.context.layout.log(container.id), query, follow=follow)

    async def attach(
        self,
        ref: str,
        *,
        logs: bool,
        stream: bool,
        stdin: bool,
        stdout: bool,
        stderr: bool,
        detach_keys: str | None,
    ) -> Attachment:
        """A client's hold on the container: output until the next exit, input if it has any."""
        container = self.find(ref)
        if container.record.state.status == "paused":
            raise PausedAttach(container.id)
        wanted = frozenset(number for number, is_wanted in ((1, stdout), (2, stderr)) if is_wanted)
        takes_input = stdin and stream and container.record.config.open_stdin
        self._note(container, "attach")
        attachment = Attachment(
            container,
            self.context.layout.log(container.id),
            streams=wanted,
            replay=logs,
            live=stream,
            stdin=open_stdin(container) if takes_input else None,
            on_detach=lambda: self._note(container, "detach"),
        )
        await attachment.open()
        return attachment

    def _note(self, container: Container, event: str) -> None:
        """Journal an event that nobody waits for."""
        self.lifecycle.in_background(self.context.publish(container, event))

    async def exec_create(self, ref: str, config: ExecConfig) -> str:
        """Register a further process; returns its id."""
        return await self.execs.create(self.find(ref), config)

    def exec_inspect(self, exec_id: str) -> ExecInspect:
        """What is known of it."""
        return self.execs.find(exec_id).inspect()

    async def exec_start(self, exec_id: str, start: ExecStart) -> ExecAttachment | None:
        """Run it; None when detached."""
        return await self.execs.start(exec_id, start)

    async def exec_resize(self, exec_id: str, *, height: int, width: int) -> None:
        """Set the size of its terminal."""
        await self.execs.resize(exec_id, height=height, width=width)

    async def aclose(self) -> None:
        """Let go of everything; running containers run on."""
        self.context.is_closing = True
        await self.lifecycle.aclose()
        for container in self._known.values():
            if container.run and container.run.monitor:
                container.run.monitor.close()
        await self.context.aclose()


async def _ended(container: Container, timeout_s: float | None) -> bool:
    """Whether the current run ends within the time."""
    if container.run is None:
        return True
    try:
        await asyncio.wait_for(asyncio.shield(container.run.ended), timeout_s)
    except TimeoutError:
        return False
    return True


def load_records(context: Context) -> tuple[list[ContainerRecord], dict[str, str]]:
    """The stored records, and the damaged ones by id with the reason."""
    return context.database.read(store.load)
