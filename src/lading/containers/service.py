"""Containers: the verbs of the API's tags Container and Exec, one method each.

This is the room's door. It finds the container, checks what can be checked without doing, and hands
over: `creation` makes, `lifecycle` changes states, `stopping` signals, `streaming` has output and
input, `exec` further processes.
"""

from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Sequence
from functools import partial

from lading.containers import store
from lading.containers.attach import Attachment
from lading.containers.collection import Collection
from lading.containers.committing import CommitOptions, Committing
from lading.containers.container import Container
from lading.containers.context import Context
from lading.containers.creation import Creation, Restored
from lading.containers.exec import ExecAttachment, Execs
from lading.containers.files.archive import Extraction, Files
from lading.containers.files.download import Download
from lading.containers.freezing import Freezing
from lading.containers.lifecycle import Lifecycle
from lading.containers.listing import Listing
from lading.containers.log_stream import LogStream
from lading.containers.looking import Looking
from lading.containers.naming import EmptyName, Naming
from lading.containers.networking import Networking
from lading.containers.pruning import Pruning
from lading.containers.record import ContainerRecord
from lading.containers.stats import Sampler
from lading.containers.stopping import Stopping
from lading.containers.streaming import AttachAsked, LogsAsked, Streaming
from lading.containers.updating import Updating
from lading.errors import InvalidArgument
from lading.wire.containers import (
    ContainerConfig,
    ContainerCreate,
    ContainerCreated,
    ContainerInspect,
    ContainersPruned,
    ContainerSummary,
    ContainerTop,
    ContainerUpdate,
    ContainerUpdated,
    FilesystemChange,
    PathStat,
    WaitResult,
)
from lading.wire.exec import ExecConfig, ExecInspect, ExecStart
from lading.wire.stats import Stats


class BadWaitCondition(InvalidArgument):
    """invalid condition: "{0}\""""


class Containers:
    """All containers of one engine."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.known = Collection()
        self.lifecycle = Lifecycle(context)
        self.execs = Execs(context)
        self._looking = Looking(context, self.known, self.execs)
        self._naming = Naming(context, self.known)
        self._creation = Creation(context, self.known)
        self._stopping = Stopping(context, self.lifecycle)
        self.lifecycle.end_unhealthy = self._stopping.end_unhealthy
        self._updating = Updating(context)
        self._pruning = Pruning(context, self.known, self.lifecycle)
        self._committing = Committing(context, self._stopping)
        self.networking = Networking(context)
        self.files = Files(context)
        self.freezing = Freezing(context, self._stopping)
        self._sampler = Sampler(context.layout)
        self._streaming = Streaming(context, note=self.lifecycle.note)
        context.find = self.known.find

    # --- finding ------------------------------------------------------------------------------

    def all(self) -> list[Container]:
        """Every container in order of creation."""
        return self.known.all()

    def find(self, ref: str) -> Container:
        """By full id, then name, then unique prefix. Raises NoSuchContainer, AmbiguousId."""
        return self.known.find(ref)

    # --- create, start, stop, remove ----------------------------------------------------------

    async def create(
        self, request: ContainerCreate, *, name: str | None, platform: str | None
    ) -> ContainerCreated:
        """Create a container of an image that is here. Raises NoSuchImage, NameInUse, ..."""
        return await self._creation.create(request, name=name, platform=platform)

    async def restore(
        self, request: ContainerCreate, restored: Restored, *, name: str | None
    ) -> ContainerCreated:
        """Create a container with the mounts and the content of a backup."""
        return await self._creation.create(request, name=name, platform=None, restored=restored)

    async def start(self, ref: str) -> None:
        """Start it; 304 when it runs."""
        await self.lifecycle.start(self.find(ref))

    async def stop(self, ref: str, *, signal: str | None, timeout_s: int | None) -> None:
        """Signal it, wait, kill it. A negative timeout waits for ever; 304 when it does not run."""
        await self._stopping.stop(self.find(ref), signal=signal, timeout_s=timeout_s)

    async def restart(self, ref: str, *, signal: str | None, timeout_s: int | None) -> None:
        """Stop it if it runs, then start it; `--rm` does not remove it in between."""
        await self._stopping.restart(self.find(ref), signal=signal, timeout_s=timeout_s)

    async def kill(self, ref: str, *, signal: str | None) -> None:
        """Send a signal, KILL by default; after that one, return when it is gone."""
        await self._stopping.kill(self.find(ref), signal=signal)

    async def remove(self, ref: str, *, force: bool, volumes: bool, link: bool) -> None:
        """Remove it; by force also a running one."""
        if link:
            await self._naming.remove_link(ref)
            return
        if self.context.damaged:
            find = partial(store.find_damaged, damaged=self.context.damaged, ref=ref)
            if damaged := self.context.database.read(find):
                await self.context.delete_damaged(damaged)
                return
        await self.lifecycle.remove(self.find(ref), force=force, with_volumes=volumes)

    async def rename(self, ref: str, name: str) -> None:
        """Give it another name. Raises NameInUse."""
        if not name:
            raise EmptyName
        await self._naming.rename(self.find(ref), name)

    async def pause(self, ref: str) -> None:
        """Freeze all its processes."""
        await self._stopping.pause(self.find(ref))

    async def unpause(self, ref: str) -> None:
        """Let them run again."""
        await self._stopping.unpause(self.find(ref))

    async def update(self, ref: str, asked: ContainerUpdate) -> ContainerUpdated:
        """Change its limits and restart policy, also while it runs."""
        return await self._updating.update(self.find(ref), asked)

    async def prune(self, filters: dict[str, list[str]]) -> ContainersPruned:
        """Remove all that do not run. Raises AlreadyPruning."""
        return await self._pruning.prune(filters)

    async def commit(
        self,
        ref: str,
        config: ContainerConfig | None,
        *,
        repo: str,
        tag: str,
        comment: str,
        author: str,
        pause: bool,
        changes: Sequence[str],
    ) -> str:
        """Make an image of it; returns its digest."""
        options = CommitOptions(repo, tag, comment, author, pause, tuple(changes))
        return await self._committing.commit(self.find(ref), config, options)

    # --- looking ------------------------------------------------------------------------------

    async def inspect(self, ref: str, *, size: bool) -> ContainerInspect:
        """Everything about one container."""
        return await self._looking.inspect(self.find(ref), size=size)

    async def list(
        self, *, all: bool, limit: int | None, size: bool, filters: dict[str, list[str]]
    ) -> Sequence[ContainerSummary]:
        """Containers, newest first; running ones only, unless asked otherwise."""
        return await self._looking.list(Listing(all, limit, filters), size=size)

    async def top(self, ref: str, arguments: str) -> ContainerTop:
        """Its processes, as `ps` prints them. Raises NotRunning, PsFailed."""
        container = self.find(ref)
        found = await self._looking.top(container, arguments)
        self.lifecycle.note(container, "top")
        return found

    def wait(self, ref: str, condition: str) -> Awaitable[WaitResult]:
        """Registered when this returns. Conditions: not-running (or empty), next-exit, removed."""
        if condition not in ("", "not-running", "next-exit", "removed"):
            raise BadWaitCondition(condition)
        return self.find(ref).wait_nowait(condition)

    async def stats(self, ref: str, *, one_shot: bool) -> Stats:
        """One sample of what it uses."""
        return await self._sampler.once(self.find(ref), one_shot=one_shot)

    def stats_stream(self, ref: str) -> AsyncIterator[Stats]:
        """A sample a second, for as long as it exists."""
        return self._sampler.stream(self.find(ref))

    async def resize(self, ref: str, *, height: int, width: int) -> None:
        """Set the size of its terminal. Raises NotRunning."""
        await self._streaming.resize(self.find(ref), height=height, width=width)

    # --- files --------------------------------------------------------------------------------

    async def path_stat(self, ref: str, path: str) -> PathStat:
        """What is at a path of its file system."""
        return await self.files.describe(self.find(ref), ref, path)

    async def read_archive(self, ref: str, path: str) -> tuple[PathStat, Download]:
        """What is at a path, and the archive of it."""
        return await self.files.read(self.find(ref), ref, path)

    async def write_archive(
        self,
        ref: str,
        path: str,
        chunks: AsyncIterable[bytes],
        *,
        keeps_kinds: bool,
        takes_owner: bool,
    ) -> None:
        """Unpack an archive into one of its directories."""
        how = Extraction(keeps_kinds=keeps_kinds, takes_owner=takes_owner)
        await self.files.write(self.find(ref), ref, path, chunks, how)

    async def export(self, ref: str) -> Download:
        """Its whole file system as an archive, without what is mounted in it."""
        return await self.files.export(self.find(ref))

    async def changes(self, ref: str) -> Sequence[FilesystemChange]:
        """What it changed in its image's file system."""
        return await self.files.changes(self.find(ref))

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
        asked = LogsAsked(
            stdout, stderr, since_ns or 0, until_ns or 0, tail, timestamps, details, follow
        )
        return self._streaming.logs(self.find(ref), asked)

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
        streams = [number for number, is_wanted in ((1, stdout), (2, stderr)) if is_wanted]
        asked = AttachAsked(frozenset(streams), replay=logs, live=stream, stdin=stdin)
        return await self._streaming.attach(self.find(ref), ref, asked)

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
        await self._sampler.aclose()
        for container in self.known.all():
            if container.run and container.run.monitor:
                container.run.monitor.close()
        await self.context.aclose()


def load_records(context: Context) -> tuple[list[ContainerRecord], dict[str, str]]:
    """The stored records, and the damaged ones by id with the reason."""
    return context.database.read(store.load)
