"""Exec: a further process in a running container, made by its monitor, spoken to through pipes.

The record of an exec lives in memory, as in Docker: it is gone with the engine, and with the
container. Its process is the monitor's child, so it outlives the engine.
"""

import asyncio
import base64
import os
from collections.abc import AsyncIterator

from lading.containers.container import Container, Run
from lading.containers.context import Context
from lading.containers.exec_process import ExecFailed, process
from lading.containers.monitor import MonitorGone, MonitorRefused
from lading.containers.pipes import PipeReader, PipeWriter
from lading.containers.record import NotRunning, Restarting
from lading.containers.start_errors import exit_code_of
from lading.errors import Conflict, InvalidArgument, NotFound
from lading.names import new_id
from lading.runtime import users
from lading.wire.exec import ExecConfig, ExecInspect, ExecProcess, ExecStart


class NoSuchExec(NotFound):
    """No such exec instance: {0}"""


class ExecAlreadyRun(Conflict):
    """exec instance {0} has already run"""


class NoExecCommand(InvalidArgument):
    """No exec command specified"""


class PausedExec(Conflict):
    """Container {0} is paused, unpause the container before exec"""


class Exec:
    """One exec instance, from create to the end of its container."""

    def __init__(self, container: Container, config: ExecConfig) -> None:
        self.id = new_id()
        self.container = container
        self.config = config
        self.run: Run | None = None  # set at start
        self.pid = 0
        self.exit_code: int | None = None

    @property
    def is_running(self) -> bool:
        return self.run is not None and self.exit_code is None

    def inspect(self) -> ExecInspect:
        """What `GET /exec/{id}/json` answers."""
        config = self.config
        command = config.cmd or [""]
        return ExecInspect(
            id=self.id,
            running=self.is_running,
            exit_code=self.exit_code,
            process_config=ExecProcess(
                tty=config.tty,
                entrypoint=command[0],
                arguments=command[1:],
                privileged=config.privileged,
                user=config.user,
            ),
            open_stdin=config.attach_stdin,
            open_stdout=config.attach_stdout,
            open_stderr=config.attach_stderr,
            container_id=self.container.id,
            detach_keys=base64.b64encode(config.detach_keys.encode()).decode(),
            pid=self.pid,
        )


class ExecAttachment:
    """The client's side of an exec: its pipes or terminal."""

    def __init__(
        self,
        exec_: Exec,
        reader: PipeReader,
        writer: PipeWriter | None,
        exited: "asyncio.Task[None]",
    ) -> None:
        self.tty = exec_.config.tty
        self._reader = reader
        self._writer = writer
        self._exited = exited

    async def output(self) -> AsyncIterator[tuple[int, bytes]]:
        """(stream, bytes) until the process has ended, so that its exit code is known then."""
        async for chunk in self._reader.iter_chunks():
            yield chunk
        await asyncio.shield(self._exited)

    async def write(self, data: bytes) -> None:
        """Input for the process."""
        if self._writer:
            await self._writer.write(data)

    async def write_eof(self) -> None:
        """End of the input; a terminal has none."""
        if self._writer and not self.tty:
            self._writer.close()

    async def close(self) -> None:
        """The client is gone; the process goes on."""
        self._reader.close()
        if self._writer:
            self._writer.close()

    def detached(self) -> None:
        """The client typed the detach keys."""


class Execs:
    """Creates, starts and finds exec instances."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._known: dict[str, Exec] = {}
        self._waiting: set[asyncio.Task[None]] = set()

    async def create(self, container: Container, config: ExecConfig) -> str:
        """Register an exec. Raises NotRunning, PausedExec, NoExecCommand, UnknownUser."""
        if not config.cmd:
            raise NoExecCommand
        _require_running(container)
        if config.user:
            await asyncio.to_thread(_look_up, container.record.state.pid, config.user)
        exec_ = Exec(container, config)
        self._known[exec_.id] = exec_
        await self._context.publish(
            container, (f"exec_create: {' '.join(config.cmd)}", {"execID": exec_.id})
        )
        return exec_.id

    def find(self, exec_id: str) -> Exec:
        """Raises NoSuchExec, also when the container is gone or has been started anew."""
        exec_ = self._known.get(exec_id)
        if exec_ is None or exec_.container.is_removed:
            self._known.pop(exec_id, None)
            raise NoSuchExec(exec_id)
        return exec_

    def ids_of(self, container: Container) -> list[str]:
        """The running execs of a container, for its inspect."""
        return [e.id for e in self._known.values() if e.container is container and e.is_running]

    async def start(self, exec_id: str, start: ExecStart) -> ExecAttachment | None:
        """Run it; None when detached. Raises ExecAlreadyRun, NotRunning, ExecFailed."""
        exec_ = self.find(exec_id)
        if exec_.run is not None:
            raise ExecAlreadyRun(exec_id)
        _require_running(exec_.container)
        exec_.run = exec_.container.run
        size = start.console_size or exec_.config.console_size or None
        streams = Streams.open(exec_.config, detach=start.detach)
        try:
            masters = await self._launch(exec_, streams, size)
        except MonitorRefused as error:
            streams.close_ours()
            exec_.exit_code = exit_code_of(str(error))
            raise ExecFailed(error) from error
        except MonitorGone as error:
            streams.close_ours()
            exec_.exit_code = 255
            raise NotRunning(exec_.container.id) from error
        finally:
            streams.close_theirs()
        exited = asyncio.get_running_loop().create_task(self._wait_exit(exec_))
        self._waiting.add(exited)
        exited.add_done_callback(self._waiting.discard)
        reader, writer = streams.attach(masters)
        if start.detach:
            reader.close()
            return None
        return ExecAttachment(exec_, reader, writer, exited)

    async def resize(self, exec_id: str, *, height: int, width: int) -> None:
        """Set the size of its terminal. Raises NoSuchExec."""
        exec_ = self.find(exec_id)
        if exec_.run and exec_.run.monitor:
            await exec_.run.monitor.call("resize", exec=exec_.id, height=height, width=width)

    async def _launch(
        self, exec_: Exec, streams: "Streams", size: tuple[int, int] | None
    ) -> list[int]:
        """Have the monitor make the process; returns the terminal's master, if there is one."""
        run, container = exec_.run, exec_.container
        if run is None or run.monitor is None:
            raise NotRunning(container.id)
        walls = await self._context.security.prepare(container.record)
        run.exec_exits[exec_.id] = asyncio.get_running_loop().create_future()
        reply = await run.monitor.call(
            "exec",
            streams.theirs,
            exec_id=exec_.id,
            process=process(container, exec_.config, size, walls),
            seccomp_filter=None
            if exec_.config.privileged
            else self._context.filters.path(container.record.host_config),
        )
        exec_.pid = int(str(reply.fields.get("pid", 0)))
        command = " ".join(exec_.config.cmd or [])
        await self._context.publish(container, (f"exec_start: {command}", {"execID": exec_.id}))
        return reply.descriptors

    async def _wait_exit(self, exec_: Exec) -> None:
        assert exec_.run is not None  # it has been started
        exec_.exit_code = await exec_.run.exec_exits[exec_.id]
        exec_.run.exec_exits.pop(exec_.id, None)
        details = {"execID": exec_.id, "exitCode": str(exec_.exit_code)}
        await self._context.publish(exec_.container, ("exec_die", details))


class Streams:
    """The pipes of one exec: `theirs` go to the process, `ours` stay with the engine."""

    def __init__(self) -> None:
        self.theirs: list[int] = []
        self.ours: dict[int, int] = {}
        self.is_terminal = False

    @classmethod
    def open(cls, config: ExecConfig, *, detach: bool) -> "Streams":
        """Pipes for what is attached, /dev/null for the rest; none for a terminal."""
        streams = cls()
        streams.is_terminal = config.tty
        if config.tty:
            return streams
        wanted = [config.attach_stdin, config.attach_stdout, config.attach_stderr]
        for number, is_attached in enumerate(wanted):
            if not is_attached or detach:
                streams.theirs.append(os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC))
                continue
            reading, writing = os.pipe()
            streams.theirs.append(writing if number else reading)
            streams.ours[number] = reading if number else writing
        return streams

    def attach(self, masters: list[int]) -> tuple[PipeReader, PipeWriter | None]:
        """Our ends as a reader and a writer."""
        if self.is_terminal:
            return PipeReader({1: masters[0]}), PipeWriter(os.dup(masters[0]))
        writer = PipeWriter(self.ours.pop(0)) if 0 in self.ours else None
        return PipeReader(dict(self.ours)), writer

    def close_theirs(self) -> None:
        """The process has its own copies."""
        for descriptor in self.theirs:
            os.close(descriptor)
        self.theirs.clear()

    def close_ours(self) -> None:
        """Nothing was started."""
        for descriptor in self.ours.values():
            os.close(descriptor)
        self.ours.clear()


def _require_running(container: Container) -> None:
    state = container.record.state
    if state.status == "paused":
        raise PausedExec(container.record.name)
    if state.status == "restarting":
        raise Restarting(container.id)
    if not state.is_running:
        raise NotRunning(container.id)


def _look_up(pid: int, user: str) -> None:
    """Whether the container knows the user. Raises what `users.resolve` raises."""
    try:
        root = os.open(f"/proc/{pid}/root", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:  # it has just ended, which the start will tell
        return
    try:
        users.resolve(root, {"username": user})
    finally:
        os.close(root)
