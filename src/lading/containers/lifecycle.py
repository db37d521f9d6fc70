"""From `created` to running, to exited, to gone: the only code that changes a container's state.

    start   network -> files -> spec -> spawner -> `started` -> row + event   (undone in reverse)
    exit    `exited` from the monitor -> row + event (+ removal) -> waiters -> clean-up
    remove  row + event -> waiters -> bytes, in the background

A record changes in memory first, at once, and then in the database: there is one writer, in order,
so what is on disk is never a mixture. What a crash leaves between two steps `recovery` finds.
"""

import asyncio
import logging
import shutil
import time
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack, ExitStack, suppress

from msgspec.structs import replace

from lading import exit_codes
from lading.containers import oom, restart
from lading.containers.attach import hand_over_stdin
from lading.containers.compressing import compress
from lading.containers.container import Container, Run
from lading.containers.context import Context, Happening
from lading.containers.monitor import Monitor, MonitorGone
from lading.containers.preparation import Preparation
from lading.containers.probing import Probing
from lading.containers.record import ContainerRecord, ContainerState
from lading.containers.shipping import ship
from lading.containers.states import duration, exited, first_health
from lading.errors import Conflict, InvalidArgument, LadingError, NotModified, SystemFault
from lading.failpoints import fp
from lading.kernel.cgroup import Cgroup
from lading.state.database import StateFull, StateUnwritable

log = logging.getLogger(__name__)
RECORD_AGAIN_S = 1.0  # while the disk is full
_STOP_FIRST = "{0}: stop the container before removing or force remove"


class AlreadyStarted(NotModified):
    """container is already started"""


class PausedStart(Conflict):
    """cannot start a paused container, try unpause instead"""


class BeingRemoved(Conflict):
    """removal of container {0} is already in progress"""


class StillUp(Conflict):
    """cannot remove container "{0}": container is {1}"""


class CommandFailed(InvalidArgument):
    """failed to create task for container: OCI runtime create failed: \
unable to start container process: {0}"""


class StartFailed(SystemFault):
    """failed to create task for container: OCI runtime create failed: \
unable to start container process: error during container init: {0}"""


class Lifecycle:
    """Starts, ends and removes containers; holds no state of its own but background tasks."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._preparation = Preparation(context)
        self.probing = Probing(context, lambda container: self.end_unhealthy(container))
        self.end_unhealthy: Callable[[Container], Awaitable[None]] = _leave_running
        self._background: set[asyncio.Task[None]] = set()

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
            descriptor = await self._context.launcher.spawn(prepared.request, prepared.descriptors)
        fp("start.after-spawn")
        run.monitor = Monitor(descriptor, on_event=run.handle, on_close=run.handle_close)
        undo.callback(shutil.rmtree, self._context.layout.run(container.id), ignore_errors=True)
        undo.callback(run.monitor.close)
        # what runs already, and what a starter that was killed could not take back
        undo.callback(self._context.clean_after_monitor, container)
        event = await run.started
        if event.get("event") != "started":
            raise _start_error(event.get("error"))
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
        mounted = self._mount_events(container, "mount")
        await self._context.save(container, *mounted, *joined, "start")
        container.note_change()
        for descriptor, close_on_eof in container.pending_stdin:
            self.in_background(hand_over_stdin(run, descriptor, close_on_eof))
        container.pending_stdin.clear()

    def _mount_events(self, container: Container, action: str) -> list[Happening]:
        """What happens to the container's volumes with its start or end."""
        volumes = self._context.volumes
        found: list[Happening] = []
        for mount in container.record.mounts or []:
            if mount.type != "volume" or not volumes.has(mount.name):
                continue
            more = {"container": container.id}
            if action == "mount":
                more["destination"] = mount.destination
                more["read/write"] = str(not mount.is_read_only).lower()
                more["propagation"] = mount.propagation
            found.append(volumes.event(action, volumes.find(mount.name), **more))
        return found

    async def _record_failure(self, container: Container, error: LadingError) -> None:
        """Keep the reason of a failed start, as Docker does; `--rm` removes the container."""
        self._context.release_network(container)
        is_programs = isinstance(error, CommandFailed | StartFailed)
        code = exit_code_of(str(error)) if is_programs else 128
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
        self.in_background(self._supervise(container, run))
        self.in_background(self.probing.watch(container, run, is_found=is_found))
        self.in_background(oom.watch(self._context, container, run, is_found=is_found))
        for beside in (ship, compress):
            self.in_background(beside(self._context, container, run))

    async def _supervise(self, container: Container, run: Run) -> None:
        """Wait for the exit of a run and do all that follows from it."""
        outcome = await run.exited
        await self.record_exit(container, run, outcome)

    async def record_exit(
        self, container: Container, run: Run | None, outcome: dict[str, object] | None
    ) -> None:
        """Record an exit and wake those who wait; `outcome` None: the monitor was killed."""
        earlier = container.record.state
        state = exited(earlier, outcome)
        container.record = replace(container.record, state=state)
        is_news = state.oom_killed and not (run and run.is_oom_told)
        again = self._restart(container, state, was_unhealthy=run is not None and run.is_unhealthy)
        if again is not None:
            state = replace(state, status="restarting")
            container.record = replace(container.record, state=state)
        details = {"exitCode": str(state.exit_code), **duration(earlier, state)}
        left = self._context.network_events(container, "disconnect")
        happenings: list[Happening] = [*(["oom"] if is_news else []), *left, ("die", details)]
        happenings += self._mount_events(container, "unmount")
        goes = container.record.is_auto_removed and again is None and not container.keeps
        fp("exit.before-record")
        try:
            await self._record_end(container, happenings, goes=goes)
        except (StateFull, StateUnwritable) as error:
            log.error("the exit of %s is not recorded yet: %s", container.record.name, error)
            self._finish_run(container, run, is_recorded=False)
            self.in_background(self._record_later(container, run, happenings, goes=goes))
        else:
            self._finish_run(container, run)
            if goes:
                self._discard(container)
        if again is not None:
            self.in_background(self._start_again(container, again))

    async def _record_end(
        self, container: Container, happenings: list[Happening], *, goes: bool
    ) -> None:
        """The exit, and with it the removal of a container that `goes`, in one transaction."""
        if goes:
            await self._context.delete(container, *happenings, "destroy", with_volumes=True)
        else:
            await self._context.save(container, *happenings)

    async def _record_later(
        self, container: Container, run: Run | None, happenings: list[Happening], *, goes: bool
    ) -> None:
        """Try again until the disk takes it; meanwhile the run directory knows of the exit."""
        while not container.is_removed:
            await asyncio.sleep(RECORD_AGAIN_S)
            try:
                await self._record_end(container, happenings, goes=goes)
            except (StateFull, StateUnwritable):
                continue
            if container.run is run:
                shutil.rmtree(self._context.layout.run(container.id), ignore_errors=True)
            if goes:
                self._discard(container)
            return

    def _finish_run(
        self, container: Container, run: Run | None, *, is_recorded: bool = True
    ) -> None:
        """After the exit is durable: wake the waiters, give back what the run held."""
        fp("exit.after-record")
        if run:
            run.note_end()
        container.announce_exit()
        container.note_change()
        self._context.release_network(container)
        self._context.volumes.mounting.release(container.id)
        if is_recorded:
            shutil.rmtree(self._context.layout.run(container.id), ignore_errors=True)
        if run is None or not run.exited.done() or run.exited.result() is None:
            self._context.clean_after_monitor(container)

    def _restart(
        self, container: Container, state: ContainerState, *, was_unhealthy: bool
    ) -> float | None:
        """Seconds to wait before the next start by the restart policy; None for no start."""
        decision = restart.after_exit(
            policy_of(container.record),
            container.restarts,
            exit_code=state.exit_code,
            ran_s=(state.finished_ns - state.started_ns) / 1e9,
            was_stopped=state.was_stopped,
            was_unhealthy=was_unhealthy,
        )
        if decision is None or self._context.is_closing:
            return None
        wait_s, container.restarts = decision
        return wait_s

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
        self.in_background(self._context.discard_bytes(container.id))

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

    def in_background(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._background.add(task)
        task.add_done_callback(self._reap)

    def _reap(self, task: asyncio.Task[None]) -> None:
        self._background.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("background work failed", exc_info=error)

    async def aclose(self) -> None:
        """Wait for bytes being deleted; leave running containers alone."""
        for task in list(self._background):
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)


_REMOVABLE = {
    "running": _STOP_FIRST,
    "restarting": _STOP_FIRST,
    "paused": "{0} and must be unpaused first",
}


def policy_of(record: ContainerRecord) -> restart.Policy:
    """The restart policy that was asked for."""
    asked = record.host_config.restart_policy
    return restart.Policy(asked.name or "no", asked.maximum_retry_count)


async def _leave_running(container: Container) -> None:
    """Nobody has said what is to be done about a container that lost its health."""


def exit_code_of(message: str) -> int:
    """The exit code of a failed start by its text: 126, 127, or 128 for all else."""
    return exit_codes.of_failed_start(message) or 128


# dockerd looks users up itself, so its runtime has no part in these errors
_OF_USER = ("unable to find user ", "unable to find group ", "uids and gids must be ")


def _start_error(error: object) -> LadingError:
    fields = error if isinstance(error, dict) else {"message": str(error)}
    message = str(fields.get("message", ""))
    if message.startswith(_OF_USER):
        return SystemFault(message)
    if exit_code_of(message) in (126, 127):
        return CommandFailed(message)
    return StartFailed(message)
