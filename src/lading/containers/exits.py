"""The end of a run: recorded with its events, then everything that follows from it.

    `exited` of the monitor -> row + `die` (+ removal) -> waiters -> network, mounts, run directory
                                                    `-> again, if the restart policy says so

A full disk delays the record and not the rest: until it is written, the run directory knows of it.
"""

import asyncio
import logging
import shutil
from collections.abc import Callable, Coroutine

from msgspec.structs import replace

from lading.containers import restart
from lading.containers.container import Container, Run
from lading.containers.context import Context, Happening
from lading.containers.mount_events import mount_events
from lading.containers.record import ContainerState
from lading.containers.states import duration, exited
from lading.failpoints import fp
from lading.state.database import StateFull, StateUnwritable

log = logging.getLogger(__name__)
RECORD_AGAIN_S = 1.0  # while the disk is full


class Exits:
    """Records exits. What it sets going in turn is given to it: see `Lifecycle`."""

    def __init__(
        self,
        context: Context,
        *,
        in_background: Callable[[Coroutine[object, object, None]], None],
        discard: Callable[[Container], None],
        start_again: Callable[[Container, float], Coroutine[object, object, None]],
    ) -> None:
        self._context = context
        self._in_background = in_background
        self._discard = discard
        self._start_again = start_again

    async def record(
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
        happenings: list[Happening] = [
            *(["oom"] if is_news else []),
            *self._context.network_events(container, "disconnect"),
            *mount_events(self._context, container, "unmount"),
            ("die", details),
        ]
        goes = container.record.is_auto_removed and again is None and not container.keeps
        fp("exit.before-record")
        try:
            await self._record_end(container, happenings, goes=goes)
        except (StateFull, StateUnwritable) as error:
            log.error("the exit of %s is not recorded yet: %s", container.record.name, error)
            self._finish_run(container, run, outcome, is_recorded=False)
            self._in_background(self._record_later(container, run, happenings, goes=goes))
        else:
            self._finish_run(container, run, outcome)
            if goes:
                self._discard(container)
        if again is not None:
            self._in_background(self._start_again(container, again))

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
        self,
        container: Container,
        run: Run | None,
        outcome: dict[str, object] | None,
        *,
        is_recorded: bool = True,
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
        if run is None or outcome is None:
            self._context.clean_after_monitor(container)
        else:
            run.gone.add_done_callback(lambda _: self._look_for_group(container, run))

    def _look_for_group(self, container: Container, run: Run) -> None:
        """The monitor removes the group before it hangs up, unless a kill was quicker."""
        if not self._context.is_closing and self._context.group(container).exists():
            self._in_background(self._remove_group(container, run))

    async def _remove_group(self, container: Container, run: Run) -> None:
        async with container.lock:  # a start that is under way takes the group over
            if container.run is run:
                group = self._context.group(container)
                await asyncio.to_thread(group.kill)
                await asyncio.to_thread(group.remove)

    def _restart(
        self, container: Container, state: ContainerState, *, was_unhealthy: bool
    ) -> float | None:
        """Seconds to wait before the next start by the restart policy; None for no start."""
        decision = restart.after_exit(
            restart.policy_of(container.record),
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
