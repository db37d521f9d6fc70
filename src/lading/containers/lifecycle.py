"""From `created` to running, to exited, to gone: the only code that changes a container's state.

    start   network -> files -> spec -> spawner -> `started` -> row + event   (undone in reverse)
    exit    `exited` from the monitor -> row + event (+ removal) -> waiters -> clean-up  (`exits`)
    remove  row + event -> waiters -> bytes, in the background

A record changes in memory first, at once, and then in the database: there is one writer, in order,
so what is on disk is never a mixture. What a crash leaves between two steps `recovery` finds.
"""

import asyncio
import logging
import shutil
import time
from contextlib import AsyncExitStack, ExitStack, suppress
from typing import TYPE_CHECKING

from msgspec.structs import replace

from lading.background import Background
from lading.containers import oom, restart, start_errors
from lading.containers.attach import hand_over_stdin
from lading.containers.compressing import compress
from lading.containers.container import Container, Run
from lading.containers.context import Context
from lading.containers.exits import Exits
from lading.containers.monitor import Monitor, MonitorGone
from lading.containers.mount_events import mount_events
from lading.containers.preparation import Preparation
from lading.containers.probing import Probing
from lading.containers.record import ContainerState
from lading.containers.shipping import ship
from lading.containers.states import first_health
from lading.errors import Conflict, LadingError, NotModified
from lading.failpoints import fp
from lading.kernel.cgroup import Cgroup
from lading.runtime import client
from lading.state.database import StateFull, StateUnwritable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

log = logging.getLogger(__name__)
GONE_S = 10.0  # a monitor that takes longer is stuck, and is not waited for
_STOP_FIRST = "{0}: stop the container before removing or force remove"


class AlreadyStarted(NotModified):
    """container is already started"""


class PausedStart(Conflict):
    """cannot start a paused container, try unpause instead"""


class BeingRemoved(Conflict):
    """removal of container {0} is already in progress"""


class StillUp(Conflict):
    """cannot remove container "{0}": container is {1}"""


class Lifecycle:
    """Starts, ends and removes containers; holds no state of its own but background tasks."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._preparation = Preparation(context)
        self.probing = Probing(context, lambda container: self.end_unhealthy(container))
        self.end_unhealthy: Callable[[Container], Awaitable[None]] = _leave_running
        self.background = Background("containers")
        self.exits = Exits(
            context,
            in_background=self.background.start,
            discard=self._discard,
            start_again=self._start_again,
        )

    async def start(self, container: Container) -> None:
        """Raises AlreadyStarted, PausedStart, BeingRemoved, CommandFailed, StartFailed."""
        async with container.lock:
            state = container.record.state
            if container.is_removed or state.status == "removing":
                raise BeingRemoved(container.id)
            if state.status == "paused":
                raise PausedStart
            if state.is_up:
                raise AlreadyStarted
            container.restarts = restart.History()
            await self._start(container)

    async def _start(self, container: Container) -> None:
        run = Run()
        try:
            async with AsyncExitStack() as undo:
                event = await self._launch(container, run, undo)
                await self._record_start(container, run, event)
                undo.pop_all()
        except LadingError as error:
            await self._record_failure(container, error)
            raise
        self._look_after(container, run)

    async def _launch(
        self, container: Container, run: Run, undo: AsyncExitStack
    ) -> dict[str, object]:
        """Everything up to a running process; what was acquired is on `undo`."""
        with ExitStack() as lent:
            prepared = await self._preparation.prepare(container, undo, lent)
            fp("start.before-spawn")
            run.limit_log(self._context.layout.log(container.id), prepared.log_quota)
            if container.run is not None:  # its monitor tells of the exit, then removes the group
                await asyncio.wait({container.run.gone}, timeout=GONE_S)
            descriptor = await self._context.launcher.spawn(prepared.request, prepared.descriptors)
        fp("start.after-spawn")
        run.monitor = Monitor(descriptor, on_event=run.handle, on_close=run.handle_close)
        undo.callback(shutil.rmtree, self._context.layout.run(container.id), ignore_errors=True)
        undo.callback(run.monitor.close)
        # what runs already, and what a starter that was killed could not take back
        undo.callback(self._context.clean_after_monitor, container)
        event = await run.started
        if event.get("event") != "started":
            raise start_errors.of_report(event.get("error"))
        return event

    async def _record_start(self, container: Container, run: Run, event: dict[str, object]) -> None:
        for text in list(event.get("warnings") or []):  # type: ignore[call-overload]
            log.warning("container %s: %s", container.record.name, text)
        state = ContainerState(
            status="running",
            pid=int(str(event["pid"])),
            start_time=int(str(event["start_time"])),
            started_ns=time.time_ns(),
            health=first_health(container.record),
            restart_count=container.restarts.restarts,
        )
        container.record = replace(container.record, state=state)
        container.run = run
        if run.is_log_limited:
            run.adopt_holds(container.attachments)
        joined = self._context.network_events(container, "connect")
        mounted = mount_events(self._context, container, "mount")
        await self._context.save(container, *mounted, *joined, "start")
        container.note_change()
        for descriptor, close_on_eof in container.pending_stdin:
            self.background.start(hand_over_stdin(run, descriptor, close_on_eof))
        container.pending_stdin.clear()

    async def _record_failure(self, container: Container, error: LadingError) -> None:
        """Keep the reason of a failed start, as Docker does; `--rm` removes the container."""
        self._context.release_network(container)
        code = start_errors.exit_code(error)
        earlier = container.record.state
        status = "exited" if earlier.started_ns else "created"
        state = replace(earlier, error=str(error), exit_code=code, status=status)
        container.record = replace(container.record, state=state)
        if container.record.is_auto_removed:
            await self._remove(container, with_volumes=True)
        else:
            with suppress(StateFull, StateUnwritable):  # the start's own error is told
                await self._context.save(container)

    async def adopt(self, container: Container, run: Run) -> None:
        """Go on with a run that was found alive when the engine started."""
        container.run = run
        self.probing.restore(container)
        self._look_after(container, run, is_found=True)

    def _look_after(self, container: Container, run: Run, *, is_found: bool = False) -> None:
        """Everything that goes on beside a run."""
        self.background.start(self._supervise(container, run))
        self.background.start(self.probing.watch(container, run, is_found=is_found))
        self.background.start(oom.watch(self._context, container, run, is_found=is_found))
        for beside in (ship, compress):
            self.background.start(beside(self._context, container, run))

    async def _supervise(self, container: Container, run: Run) -> None:
        """Wait for the exit of a run and do all that follows from it."""
        outcome = await run.exited
        if outcome is None:  # it may have left before it knew of us, and its word is there
            outcome = client.read_exit(self._context.layout.exec_root, container.id)
        await self.exits.record(container, run, outcome)

    async def _start_again(self, container: Container, wait_s: float) -> None:
        await asyncio.sleep(wait_s)
        async with container.lock:
            state = container.record.state
            if container.is_removed or state.status != "restarting" or state.was_stopped:
                return
            try:
                await self._start(container)
            except LadingError as error:
                log.warning("container %s: restart failed: %s", container.record.name, error)

    async def remove(
        self, container: Container, *, force: bool, with_volumes: bool = False
    ) -> None:
        """Remove it, if asked with its anonymous volumes; a running one only by force.

        Raises StillUp, BeingRemoved.
        """
        with_volumes = with_volumes or container.record.is_auto_removed
        if container.record.state.status == "removing" or container.is_removed:
            raise BeingRemoved(container.id)
        if container.record.state.is_up and not force:
            status = container.record.state.status
            raise StillUp(container.record.name, _REMOVABLE[status].format(status))
        container.keeps = True  # it is removed here, not by its own exit
        async with container.lock:
            run = container.run
            if run and not run.has_ended:
                self.mark_stopped(container)
                with suppress(MonitorGone):  # it ends by itself just now
                    await self._context.publish(container, ("kill", {"signal": "9"}))
                    await self.signal(container, 9)
                if container.record.state.status == "paused":  # a frozen one never hears of it
                    group = Cgroup(self._context.cgroup(container))
                    await asyncio.to_thread(group.thaw)
                await asyncio.wait_for(asyncio.shield(run.ended), 30)
            if not container.is_removed:
                await self._remove(container, with_volumes=with_volumes)

    async def _remove(self, container: Container, *, with_volumes: bool) -> None:
        state = replace(container.record.state, status="removing")
        container.record = replace(container.record, state=state)
        fp("remove.before-row")
        await self._context.delete(container, ("destroy", {}), with_volumes=with_volumes)
        fp("remove.after-row")
        self._discard(container)

    def _discard(self, container: Container) -> None:
        """After the row is gone: wake the waiters, and delete the bytes in the background."""
        container.announce_removal()
        self.background.start(self._context.discard_bytes(container.id))

    async def signal(self, container: Container, number: int) -> None:
        """Signal the first process. Raises MonitorGone when it has just ended."""
        run = container.run
        if run and run.monitor:
            await run.monitor.call("signal", signal=number)

    async def rest(self, container: Container) -> None:
        """Stop waiting to start it again: the restart policy has no say any more."""
        self.mark_stopped(container)
        state = replace(container.record.state, status="exited")
        container.record = replace(container.record, state=state)
        await self._context.save(container)
        container.announce_exit()
        container.note_change()

    def mark_stopped(self, container: Container) -> None:
        """The user wants it stopped: no restart policy starts it again."""
        state = replace(container.record.state, was_stopped=True)
        container.record = replace(container.record, state=state)

    def note(self, container: Container, event: str) -> None:
        """Journal an event that nobody waits for."""
        self.background.start(self._context.publish(container, event))

    async def aclose(self) -> None:
        """Leave running containers alone; what goes on beside them ends."""
        await self.background.cancel()


_REMOVABLE = {
    "running": _STOP_FIRST,
    "restarting": _STOP_FIRST,
    "paused": "{0} and must be unpaused first",
}


async def _leave_running(container: Container) -> None:
    """Nobody has said what is to be done about a container that lost its health."""
