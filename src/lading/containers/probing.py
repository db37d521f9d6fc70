"""Running the probes of health checks, one task per container that has one.

A probe is an exec whose output goes into a pipe: what is longer than is kept is read and dropped.
The results live in the run directory beside the monitor's files (`health.json`), so they outlive
the engine and end with the run; the database hears of a change of the status only.
"""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

import msgspec
from msgspec.structs import replace

from lading import quantities
from lading.containers import health
from lading.containers.container import Container, Run
from lading.containers.context import Context
from lading.containers.exec_process import ExecFailed, process
from lading.containers.health import OUTPUT_BYTES, UNHEALTHY, Check
from lading.containers.monitor import MonitorGone
from lading.containers.pipes import wait_readable
from lading.containers.record import Health, ProbeResult
from lading.errors import LadingError
from lading.failpoints import fp
from lading.names import new_id
from lading.wire.exec import ExecConfig

FILE = "health.json"
MARK = (
    "health-"  # begins the ids of our execs: what an engine before us left running is known by it
)
AT_ONCE = 4  # probes that are started at the same time; the machine has other things to do

_decoder = msgspec.json.Decoder(Health)


class Probing:
    """Looks after the health of running containers. `unhealthy` is told of those that lost it."""

    def __init__(self, context: Context, unhealthy: Callable[[Container], Awaitable[None]]) -> None:
        self._context = context
        self._unhealthy = unhealthy
        self._starting = asyncio.Semaphore(AT_ONCE)

    def restore(self, container: Container) -> None:
        """The newest results, after an engine that died."""
        path = f"{self._context.layout.run(container.id)}/{FILE}"
        with suppress(OSError, msgspec.MsgspecError), open(path, "rb") as file:
            _set(container, _decoder.decode(file.read()))

    async def watch(self, container: Container, run: Run, *, is_found: bool = False) -> None:
        """Probe for as long as this run lasts. A run that was found is probed as if it went on."""
        check = health.check_of(container.record.config)
        if check is None:
            return
        if is_found:
            await self._kill_left(run)
        wait_s = self._first_wait_s(container, check) if is_found else None
        while not run.has_ended:
            state = container.record.state
            up_ns = time.time_ns() - state.started_ns
            if wait_s is None:
                wait_s = check.pause_ns(state.health or Health(), up_ns) / 1e9
            with suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(run.ended), wait_s)
            wait_s = None
            if not run.has_ended and container.record.state.status == "running":
                await self._probe(container, run, check)

    def _first_wait_s(self, container: Container, check: Check) -> float:
        """As long as is left of the pause, spread by the id: many may have waited for us."""
        state = container.record.state
        results = state.health.log if state.health else []
        last = results[-1].end_ns if results else state.started_ns
        pause_ns = check.pause_ns(state.health or Health(), time.time_ns() - state.started_ns)
        left_ns = last + pause_ns - time.time_ns()
        if left_ns > 0:
            return min(left_ns, pause_ns) / 1e9
        return pause_ns / 1e9 * (int(container.id[:4], 16) / 0x10000) * 0.5

    async def _probe(self, container: Container, run: Run, check: Check) -> None:
        started_ns = container.record.state.started_ns
        result = await self._run(container, run, check)
        state = container.record.state
        if run.has_ended or result is None or state.status != "running":
            return
        earlier = state.health or Health()
        found = health.after_probe(check, earlier, result, result.start_ns - started_ns)
        _set(container, found)
        self._write(container, found)
        if found.status != earlier.status:
            fp("health.before-record")
            await self._context.save(container, f"health_status: {found.status}")
            fp("health.after-record")
            if found.status == UNHEALTHY:
                await self._unhealthy(container)

    def _write(self, container: Container, found: Health) -> None:
        """Leave it for the next engine. The run may have ended just now, with its directory."""
        path = f"{self._context.layout.run(container.id)}/{FILE}"
        with suppress(OSError):
            with open(path + ".tmp", "wb") as file:
                file.write(msgspec.json.encode(found))
            os.rename(path + ".tmp", path)

    # --- one probe ----------------------------------------------------------------------------

    async def _run(self, container: Container, run: Run, check: Check) -> ProbeResult | None:
        """Run it and wait for its end or the timeout; None when the container went away."""
        name, began = MARK + new_id(), time.time_ns()
        reading, writing = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        output = _Output(reading)
        try:
            try:
                async with self._starting:
                    began = time.time_ns()
                    await self._launch(container, run, check, name, writing)
            finally:
                os.close(writing)
            code = await self._wait(run, name, output, check)
        except MonitorGone:
            return None
        except LadingError as error:
            text = f"{ExecFailed(error)}: unknown"
            return ProbeResult(began, time.time_ns(), -1, text)
        finally:
            run.exec_exits.pop(name, None)
            output.close()
        text = health.output_text(bytes(output.kept), is_cut=output.is_cut)
        if code is None:
            limit = quantities.format_duration_ns(check.timeout_ns)
            text = f"Health check exceeded timeout ({limit})" + (f": {text}" if text else "")
        return ProbeResult(began, time.time_ns(), -1 if code is None else code, text)

    async def _launch(
        self, container: Container, run: Run, check: Check, name: str, writing: int
    ) -> None:
        if run.monitor is None:
            raise MonitorGone
        walls = await self._context.security.prepare(container.record)
        run.exec_exits[name] = asyncio.get_running_loop().create_future()
        null = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        os.set_blocking(writing, True)  # the program expects it so
        try:
            await run.monitor.call(
                "exec",
                [null, writing, writing],
                exec_id=name,
                process=process(container, ExecConfig(cmd=check.command), None, walls),
                seccomp_filter=self._context.filters.path(container.record.host_config),
            )
        finally:
            os.close(null)

    async def _wait(self, run: Run, name: str, output: "_Output", check: Check) -> int | None:
        """Its exit code; None if it had to be killed, with all that it had started."""
        exited = run.exec_exits[name]
        reader = asyncio.get_running_loop().create_task(output.read())
        try:
            return await asyncio.wait_for(asyncio.shield(exited), check.timeout_ns / 1e9)
        except TimeoutError:
            with suppress(LadingError):
                await self._kill(run, name)
                await asyncio.shield(exited)
            return None
        finally:
            reader.cancel()
            await asyncio.gather(reader, return_exceptions=True)
            output.take()

    async def _kill(self, run: Run, name: str) -> None:
        if run.monitor is not None:
            await run.monitor.call("exec_signal", exec_id=name, signal=9, group=True)

    async def _kill_left(self, run: Run) -> None:
        """Probes that an engine before us did not see end."""
        if run.monitor is None:
            return
        with suppress(LadingError):
            reply = await run.monitor.call("state")
            running = reply.fields.get("execs")
            for name in list(running) if isinstance(running, dict) else []:
                if name.startswith(MARK):
                    await self._kill(run, name)


class _Output:
    """The beginning of what a probe prints."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.kept = bytearray()
        self.is_cut = False

    async def read(self) -> None:
        """Read until it has ended."""
        while self.take():
            await wait_readable([self._descriptor])

    def take(self) -> bool:
        """Take what is there; False at the end."""
        while True:
            try:
                data = os.read(self._descriptor, 65536)
            except BlockingIOError:
                return True
            if not data:
                return False
            room = OUTPUT_BYTES - len(self.kept)
            self.kept += data[:room]
            self.is_cut = self.is_cut or len(data) > room

    def close(self) -> None:
        os.close(self._descriptor)


def _set(container: Container, found: Health) -> None:
    state = replace(container.record.state, health=found)
    container.record = replace(container.record, state=state)
