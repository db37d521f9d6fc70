"""A live container: its record, the lock of its lifecycle, its run, and who waits for it.

A *run* is one life of the container's first process, from `start` to exit. Everything that lasts
for one run only (monitor connection, attached stdin, exec sessions) hangs on the `Run`.
"""

import asyncio
import os
from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING

from lading.containers.holds import Holds
from lading.containers.record import ContainerRecord
from lading.containers.restart import History
from lading.errors import LadingError
from lading.logs.trim import trim
from lading.wire.containers import WaitResult

if TYPE_CHECKING:
    from lading.containers.monitor import Monitor


class Run:
    """One life of the first process, as the engine sees it through the monitor."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.monitor: Monitor | None = None
        self.started: asyncio.Future[dict[str, object]] = loop.create_future()
        self.exited: asyncio.Future[dict[str, object] | None] = loop.create_future()
        self.exec_exits: dict[str, asyncio.Future[int]] = {}
        self.ended: asyncio.Future[None] = loop.create_future()  # exit recorded, log complete
        self.gone: asyncio.Future[None] = loop.create_future()  # the monitor has hung up
        self._growth: asyncio.Future[None] = loop.create_future()
        self.is_oom_told = False  # an event has said that the kernel killed for want of memory
        self.is_unhealthy = False  # it is being ended because its health check failed
        self._watched = -1
        self._log_directory, self._log_quota = "", 0
        self._holds = Holds(lambda segment: self._post("hold_log", segment=segment))
        self._tasks: set[asyncio.Future[None]] = set()

    def keep(self, task: "asyncio.Future[None]") -> None:
        """Hold a task until it is done: the loop itself holds only weak references."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    @property
    def has_ended(self) -> bool:
        """Whether the exit is recorded; the log is complete by then."""
        return self.ended.done()

    def note_end(self) -> None:
        """The exit is recorded: nobody has anything to wait for, but for `gone`."""
        if not self.ended.done():
            self.ended.set_result(None)
        self.note_log_growth()
        self._trim_log()

    def handle(self, event: dict[str, object]) -> None:
        """Take one event of the monitor; see `lading.runtime.monitor` for their fields."""
        kind = event.get("event")
        if kind in ("started", "failed") and not self.started.done():
            self.started.set_result(event)
        elif kind == "exited" and not self.exited.done():
            self.exited.set_result(event)
        elif kind == "exec_exited":
            future = self.exec_exits.get(str(event.get("exec_id")))
            if future and not future.done():
                future.set_result(int(str(event.get("exit_code", 255))))
        elif kind == "log":
            self.note_log_growth()

    def handle_close(self) -> None:
        """The monitor is gone: what had not been said will not be said any more."""
        if not self.started.done():
            self.started.set_result({"event": "failed", "error": {"message": "monitor was killed"}})
        if not self.exited.done():
            self.exited.set_result(None)
        for future in self.exec_exits.values():
            if not future.done():
                future.set_result(137)
        if not self.gone.done():
            self.gone.set_result(None)
        self.note_log_growth()

    def limit_log(self, directory: str, quota: int) -> None:
        """Old output is removed while new is written, beyond so many bytes; 0 for no limit."""
        self._log_directory, self._log_quota = directory, quota

    @property
    def is_log_limited(self) -> bool:
        return self._log_quota > 0

    async def hold_log(self, reader: object) -> None:
        """Nothing of the log is removed any more once this returns, for this reader's sake."""
        if not self.is_log_limited or self.monitor is None:
            return
        self._holds.set(reader, 1)
        with suppress(LadingError):  # it ends just now: then nothing is removed either
            await self.monitor.call("hold_log", segment=1)

    def hold_log_from(self, reader: object, segment: int) -> None:
        """The reader has read all before that segment."""
        if self.is_log_limited:
            self._holds.set(reader, segment)

    def release_log(self, reader: object) -> None:
        """The reader has gone."""
        if self.is_log_limited:
            self._holds.release(reader)
            self._trim_log()

    def _trim_log(self) -> None:
        """What the last reader held is given back here, if the monitor is there no more."""
        if self.is_log_limited and self.has_ended and self._holds.is_empty:
            loop = asyncio.get_running_loop()
            loop.run_in_executor(None, trim, self._log_directory, self._log_quota)

    def adopt_holds(self, readers: Iterable[object]) -> None:
        """The monitor began by holding all, for readers that were there before the run."""
        self._holds.told = 1
        for reader in readers:
            self._holds.set(reader, 1)
        self._holds.update()

    def _post(self, op: str, **fields: object) -> None:
        if self.monitor and self.monitor.is_open:
            self.monitor.post(op, **fields)

    def note_log_growth(self) -> None:
        """Wake everybody who waits for more output, or for its end."""
        self._watched = -1
        growth, self._growth = self._growth, asyncio.get_running_loop().create_future()
        if not growth.done():
            growth.set_result(None)

    async def wait_log_growth(self, position: int) -> None:
        """Return when the log goes on after `position`, or the run has come further."""
        growth = self._growth
        if (
            self.monitor
            and self.monitor.is_open
            and (self._watched < 0 or position < self._watched)
        ):
            self._watched = position
            self.monitor.post("watch_log", end=position)
        await asyncio.shield(growth)


class Container:
    """The live object behind a record. Only the lifecycle replaces `record`, under `lock`."""

    def __init__(self, record: ContainerRecord) -> None:
        self.record = record
        self.lock = asyncio.Lock()
        self.run: Run | None = None
        self.is_removed = False
        self.restarts = History()
        self.keeps = False  # being removed by hand: its own exit does not remove it
        self.attachments: set[object] = set()  # clients whose output comes from the log
        self.pending_stdin: list[tuple[int, bool]] = []  # (descriptor, close_on_eof)
        self._changed = asyncio.get_running_loop().create_future()
        self._exits: set[asyncio.Future[WaitResult]] = set()
        self._removals: set[asyncio.Future[WaitResult]] = set()

    @property
    def id(self) -> str:
        return self.record.id

    def note_change(self) -> None:
        """Wake those who follow the container from one state to the next."""
        changed, self._changed = self._changed, asyncio.get_running_loop().create_future()
        if not changed.done():
            changed.set_result(None)

    async def wait_change(self) -> None:
        """Return at the next start, exit or removal."""
        await asyncio.shield(self._changed)

    def wait_nowait(self, condition: str) -> asyncio.Future[WaitResult]:
        """Register for a condition: not-running (or ""), next-exit, removed."""
        future: asyncio.Future[WaitResult] = asyncio.get_running_loop().create_future()
        is_ending = self.run is not None and not self.run.has_ended  # not yet on the disk
        is_over = not self.record.state.is_up and not is_ending
        if condition in ("", "not-running") and is_over:
            future.set_result(self.wait_result())
            return future
        group = self._removals if condition == "removed" else self._exits
        group.add(future)
        future.add_done_callback(group.discard)
        return future

    def wait_result(self) -> WaitResult:
        """What `wait` answers now."""
        return WaitResult(status_code=self.record.state.exit_code)

    def announce_exit(self) -> None:
        """Tell those who wait for an exit; the log is complete by now."""
        self._resolve(self._exits)

    def announce_removal(self) -> None:
        """Tell those who wait for the removal (and for an exit that will not come)."""
        self.is_removed = True
        self._resolve(self._exits)
        self._resolve(self._removals)
        self.drop_pending_stdin()
        self.note_change()

    def drop_pending_stdin(self) -> None:
        """Close what was attached and never handed to a monitor."""
        for descriptor, _ in self.pending_stdin:
            os.close(descriptor)
        self.pending_stdin.clear()

    def _resolve(self, group: set[asyncio.Future[WaitResult]]) -> None:
        for future in list(group):
            if not future.done():
                future.set_result(self.wait_result())
