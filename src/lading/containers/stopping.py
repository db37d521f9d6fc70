"""Stop, restart, kill, pause and unpause: what is done to the processes of a running container."""

import asyncio
import errno
from contextlib import suppress

from msgspec.structs import replace

from lading.containers import signals
from lading.containers.container import Container
from lading.containers.context import Context
from lading.containers.lifecycle import Lifecycle
from lading.containers.monitor import MonitorGone
from lading.containers.record import NotRunning, Restarting
from lading.containers.restart import policy_of
from lading.errors import Conflict, NotModified, SystemFault
from lading.kernel.cgroup import Cgroup

STOP_TIMEOUT_S = 10  # Docker's, when neither client nor container says
KILL_TIMEOUT_S = 10.0  # how long a killed process may take to be gone


class AlreadyStopped(NotModified):
    """container is already stopped"""


class AlreadyPaused(Conflict):
    """Container {0} is already paused"""


class NotPaused(SystemFault):
    """Container {0} is not paused"""


class StillAlive(Conflict):
    """tried to kill container, but did not receive an exit event"""


class Stopping:
    """Signals and freezes containers; the exit that follows is the lifecycle's matter."""

    def __init__(self, context: Context, lifecycle: Lifecycle) -> None:
        self._context = context
        self._lifecycle = lifecycle

    async def stop(
        self, container: Container, *, signal: str | None, timeout_s: int | None
    ) -> None:
        """Signal it, wait, kill it. A negative timeout waits for ever; 304 when it does not run."""
        if container.record.state.status == "restarting":
            await self._lifecycle.rest(container)
            await self._context.publish(container, "stop")
            return
        if not container.record.state.is_running:
            self._lifecycle.mark_stopped(container)  # no restart policy brings it back either
            await self._context.save(container)
            raise AlreadyStopped
        await self._stop(container, signal, timeout_s)
        await self._context.publish(container, "stop")

    async def _stop(self, container: Container, signal: str | None, timeout_s: int | None) -> None:
        self._lifecycle.mark_stopped(container)
        await self._end(container, signal, timeout_s)

    async def _end(self, container: Container, signal: str | None, timeout_s: int | None) -> None:
        config = container.record.config
        number = signals.parse(signal or config.stop_signal or "TERM")
        patience = timeout_s if timeout_s is not None else config.stop_timeout
        patience = STOP_TIMEOUT_S if patience is None or not isinstance(patience, int) else patience
        with suppress(MonitorGone):  # it ends by itself just now
            await self._signal(container, number)
        if not await _ended(container, None if patience < 0 else float(patience)):
            with suppress(MonitorGone):
                await self._signal(container, 9)
            if not await _ended(container, KILL_TIMEOUT_S):
                raise StillAlive

    async def end_unhealthy(self, container: Container) -> None:
        """End a container whose health check failed, if its restart policy cares."""
        run = container.run
        if run is None or policy_of(container.record).name != "unhealthy":
            return
        run.is_unhealthy = True
        await self._end(container, None, None)

    async def restart(
        self, container: Container, *, signal: str | None, timeout_s: int | None
    ) -> None:
        """Stop it if it runs, then start it; `--rm` does not remove it in between."""
        container.keeps = True
        try:
            if container.record.state.is_up:
                await self.stop(container, signal=signal, timeout_s=timeout_s)
            await self._lifecycle.start(container)
        finally:
            container.keeps = False
        await self._context.publish(container, "restart")

    async def kill(self, container: Container, *, signal: str | None) -> None:
        """Send a signal, KILL by default; after that one, return when it is gone."""
        number = signals.parse(signal or "KILL")
        if container.record.state.status == "restarting":
            await self._lifecycle.rest(container)
            return
        if not container.record.state.is_running:
            raise NotRunning(container.id)
        stop_signal = signals.parse(container.record.config.stop_signal or "TERM")
        if number in (9, stop_signal):
            self._lifecycle.mark_stopped(container)
        await self._signal(container, number)
        if number == 9 and not await _ended(container, KILL_TIMEOUT_S):
            raise StillAlive

    async def _signal(self, container: Container, number: int) -> None:
        """Signal the first process, thawing it first where a frozen one would never see it."""
        # in this order: what the signal does may be recorded before its reply is heard
        told = self._context.publish(container, ("kill", {"signal": str(number)}))
        await asyncio.gather(told, self._lifecycle.signal(container, number))
        if container.record.state.status == "paused" and number != 19:
            await self._thaw(container)

    def _group(self, container: Container) -> Cgroup:
        return Cgroup(self._context.cgroup(container))

    async def pause(self, container: Container) -> None:
        """Freeze all its processes. Raises NotRunning, also when it ends under our hands."""
        if container.record.state.status == "paused":
            raise AlreadyPaused(container.id)
        if container.record.state.status == "restarting":
            raise Restarting(container.id)
        if not container.record.state.is_running:
            raise NotRunning(container.id)
        try:
            await asyncio.to_thread(self._group(container).freeze)
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.ENODEV):  # its cgroup has gone
                raise
            raise NotRunning(container.id) from error
        await self._change_status(container, "paused", "pause")

    async def unpause(self, container: Container) -> None:
        """Let them run again."""
        if container.record.state.status != "paused":
            raise NotPaused(container.id)
        await self._thaw(container)

    async def _thaw(self, container: Container) -> None:
        await asyncio.to_thread(self._group(container).thaw)
        await self._change_status(container, "running", "unpause")

    async def _change_status(self, container: Container, status: str, event: str) -> None:
        if container.record.state.is_running:
            state = replace(container.record.state, status=status)
            container.record = replace(container.record, state=state)
            await self._context.save(container, event)


async def _ended(container: Container, timeout_s: float | None) -> bool:
    """Whether the current run ends within the time."""
    if container.run is None:
        return True
    try:
        await asyncio.wait_for(asyncio.shield(container.run.ended), timeout_s)
    except TimeoutError:
        return False
    return True
