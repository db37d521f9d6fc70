"""What the API needs of the engine, as Protocols: the rooms below fulfil them without knowing us.

One function here is one verb of the API. Errors are `lading.errors` classes; what a client matches
on in their text is the business of whoever raises them.
"""

from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

from lading.state import Journal
from lading.wire.auth import AuthConfig, AuthResult
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
from lading.wire.images import (
    DistributionInspect,
    ImageDeleteItem,
    ImageExploration,
    ImageHistoryItem,
    ImageInspect,
    ImagesPruned,
    ImageSummary,
    ImageUsage,
    ManifestListEntry,
    RegistryManifest,
    SearchResult,
)
from lading.wire.networks import (
    NetworkConnect,
    NetworkCreate,
    NetworkCreated,
    NetworkDisconnect,
    NetworkInspect,
    NetworksPruned,
)
from lading.wire.stats import Stats
from lading.wire.system import DiskUsage, Info, Version
from lading.wire.volumes import Volume, VolumeCreate, VolumeList, VolumesPruned

Filters = dict[str, list[str]]
Progress = Callable[[dict[str, object]], None]  # one message of a progress stream


class LogStream(Protocol):
    """Some output at a time: (stream, text) with stream 1 for stdout and 2 for stderr."""

    tty: bool

    def __aiter__(self) -> AsyncIterator[list[tuple[int, bytes]]]: ...


class Attachment(Protocol):
    """One client's hold on a process: its output, its input, and letting go."""

    tty: bool

    def output(self) -> AsyncIterator[tuple[int, bytes]]:
        """(stream, bytes) until the process has ended."""

    async def write(self, data: bytes) -> None:
        """Input for the process."""

    async def write_eof(self) -> None:
        """The client's input has ended."""

    async def close(self) -> None:
        """The client has let go, whichever way."""

    def detached(self) -> None:
        """The client typed the detach keys (`close` comes as well)."""


class Containers(Protocol):
    """The tags Container and Exec."""

    async def create(
        self, request: ContainerCreate, *, name: str | None, platform: str | None
    ) -> ContainerCreated: ...
    async def start(self, ref: str) -> None: ...
    async def stop(self, ref: str, *, signal: str | None, timeout_s: int | None) -> None: ...
    async def restart(self, ref: str, *, signal: str | None, timeout_s: int | None) -> None: ...
    async def kill(self, ref: str, *, signal: str | None) -> None: ...
    async def pause(self, ref: str) -> None: ...
    async def unpause(self, ref: str) -> None: ...
    async def rename(self, ref: str, name: str) -> None: ...
    async def remove(self, ref: str, *, force: bool, volumes: bool, link: bool) -> None: ...
    async def resize(self, ref: str, *, height: int, width: int) -> None: ...
    async def update(self, ref: str, asked: ContainerUpdate) -> ContainerUpdated: ...
    async def prune(self, filters: Filters) -> ContainersPruned: ...
    async def top(self, ref: str, arguments: str) -> ContainerTop: ...
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
    ) -> str: ...
    async def inspect(self, ref: str, *, size: bool) -> ContainerInspect: ...
    async def list(
        self, *, all: bool, limit: int | None, size: bool, filters: Filters
    ) -> Sequence[ContainerSummary]: ...
    def wait(self, ref: str, condition: str) -> Awaitable[WaitResult]:
        """Registered when this returns; the result may come much later."""

    async def stats(self, ref: str, *, one_shot: bool) -> Stats: ...
    def stats_stream(self, ref: str) -> AsyncIterator[Stats]: ...
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
    ) -> LogStream: ...
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
    ) -> Attachment: ...
    async def path_stat(self, ref: str, path: str) -> PathStat: ...
    async def read_archive(self, ref: str, path: str) -> tuple[PathStat, AsyncIterable[bytes]]: ...
    async def write_archive(
        self,
        ref: str,
        path: str,
        chunks: AsyncIterable[bytes],
        *,
        keeps_kinds: bool,
        takes_owner: bool,
    ) -> None: ...
    async def export(self, ref: str) -> AsyncIterable[bytes]: ...
    async def changes(self, ref: str) -> Sequence[FilesystemChange]: ...
    async def exec_create(self, ref: str, config: ExecConfig) -> str: ...
    def exec_inspect(self, exec_id: str) -> ExecInspect: ...
    async def exec_start(self, exec_id: str, start: ExecStart) -> Attachment | None: ...
    async def exec_resize(self, exec_id: str, *, height: int, width: int) -> None: ...


class ImageFinding(Protocol):
    """One thing that the image store should have and has not, or the other way round."""

    @property
    def kind(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def detail(self) -> str: ...
    @property
    def is_repaired(self) -> bool: ...


class Images(Protocol):
    """The tag Image. References are text as the client gave it."""

    async def pull(
        self, reference: str, *, platform: str | None, progress: Progress, auth: AuthConfig
    ) -> None: ...
    async def push(
        self, name: str, *, tag: str, platform: str | None, progress: Progress, auth: AuthConfig
    ) -> None: ...
    async def load(
        self,
        chunks: AsyncIterable[bytes],
        *,
        quiet: bool,
        platforms: Sequence[str],
        progress: Progress,
    ) -> None: ...
    async def copy(
        self,
        source: str,
        target: str,
        *,
        archive: AsyncIterable[bytes],
        platform: str | None,
        progress: Progress,
        auths: tuple[AuthConfig, AuthConfig],
    ) -> None: ...
    async def fetch_archive(
        self, source: str, *, platform: str | None, auth: AuthConfig
    ) -> AsyncIterable[bytes]: ...
    async def explore(
        self, ref: str, *, platform: str | None, with_files: bool
    ) -> ImageExploration: ...
    async def usage(self) -> Sequence[ImageUsage]: ...
    async def manifest(
        self, name: str, *, deep: bool, insecure: bool, auth: AuthConfig
    ) -> RegistryManifest: ...
    async def push_list(
        self,
        target: str,
        entries: Sequence[ManifestListEntry],
        *,
        insecure: bool,
        progress: Progress,
        auth: AuthConfig,
    ) -> None: ...
    async def save(
        self, names: Sequence[str], *, platforms: Sequence[str]
    ) -> AsyncIterable[bytes]: ...
    async def import_(
        self,
        chunks: AsyncIterable[bytes],
        *,
        source: str,
        repo: str,
        tag: str,
        message: str,
        changes: Sequence[str],
        platform: str | None,
        progress: Progress,
    ) -> None: ...
    async def inspect(self, ref: str, *, manifests: bool, platform: str | None) -> ImageInspect: ...
    async def history(self, ref: str, *, platform: str | None) -> Sequence[ImageHistoryItem]: ...
    async def remove(
        self, ref: str, *, force: bool, prune: bool
    ) -> Sequence[ImageDeleteItem] | list[dict[str, Any]]: ...
    async def prune(self, *, filters: Filters, dry_run: bool) -> ImagesPruned: ...
    async def tag(self, ref: str, repo: str, tag: str) -> None: ...
    async def from_host(
        self, tag: str, tools: Sequence[str] | None, progress: Progress
    ) -> None: ...
    async def list(
        self, *, all: bool, filters: Filters, shared_size: bool, manifests: bool
    ) -> list[ImageSummary]: ...
    async def fsck(self, *, repair: bool) -> Sequence[ImageFinding]: ...
    async def login(self, auth: AuthConfig) -> AuthResult: ...
    async def distribution(self, name: str, *, auth: AuthConfig) -> DistributionInspect: ...
    async def search(
        self, term: str, *, limit: int, filters: Filters, auth: AuthConfig
    ) -> Sequence[SearchResult]: ...


class Networks(Protocol):
    """The tag Network. References are names or ids."""

    async def create(self, asked: NetworkCreate) -> NetworkCreated: ...
    async def list(self, filters: Filters) -> list[NetworkInspect]: ...
    async def inspect(self, ref: str, *, scope: str) -> NetworkInspect: ...
    async def remove(self, ref: str) -> None: ...
    async def connect(self, ref: str, asked: NetworkConnect) -> None: ...
    async def disconnect(self, ref: str, asked: NetworkDisconnect) -> None: ...
    async def prune(self, filters: Filters) -> NetworksPruned: ...


class Volumes(Protocol):
    """The tag Volume."""

    async def list(self, asked: Filters) -> VolumeList: ...
    async def inspect(self, name: str) -> Volume: ...
    async def create(self, asked: VolumeCreate) -> Volume: ...
    async def remove(self, name: str, *, force: bool) -> None: ...
    async def prune(self, asked: Filters, *, is_narrow: bool) -> VolumesPruned: ...


class VolumeCopies(Protocol):
    """Lading's own verbs on volumes."""

    async def export(self, name: str, *, freezes: bool) -> AsyncIterable[bytes]: ...
    async def import_(self, name: str, chunks: AsyncIterable[bytes]) -> Volume: ...
    async def clone(self, name: str, to: str, *, freezes: bool, is_snapshot: bool) -> Volume: ...
    async def rename(self, name: str, to: str) -> Volume: ...
    async def path_stat(self, name: str, path: str) -> PathStat: ...
    async def read_archive(self, name: str, path: str) -> tuple[PathStat, AsyncIterable[bytes]]: ...
    async def write_archive(self, name: str, path: str, chunks: AsyncIterable[bytes]) -> None: ...


class Backups(Protocol):
    """Containers with their volumes, as archives."""

    async def create(self, ref: str, *, freezes: bool) -> AsyncIterable[bytes]: ...
    async def restore(
        self, chunks: AsyncIterable[bytes], *, name: str | None, renamed: Mapping[str, str]
    ) -> dict[str, object]: ...
    async def verify(self, chunks: AsyncIterable[bytes]) -> dict[str, object]: ...


class System(Protocol):
    """The tag System."""

    def version(self) -> Version: ...
    def info(self) -> Info: ...


class Usage(Protocol):
    """What things take on the disk."""

    async def disk_usage(self, kinds: Sequence[str]) -> DiskUsage: ...


class Finding(Protocol):
    """One result of the audit."""

    @property
    def kind(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def detail(self) -> str: ...


class Backend(Protocol):
    """Everything the routes reach."""

    @property
    def containers(self) -> Containers: ...
    @property
    def images(self) -> Images: ...
    @property
    def network_verbs(self) -> Networks: ...
    @property
    def volumes(self) -> Volumes: ...
    @property
    def volume_copies(self) -> VolumeCopies: ...
    @property
    def backups(self) -> Backups: ...
    @property
    def system(self) -> System: ...
    @property
    def usage(self) -> Usage: ...
    @property
    def journal(self) -> Journal: ...
    def check(self) -> Sequence[Finding]:
        """Audit the host against the records."""

    async def repair(self) -> Sequence[Finding]:
        """Take away what has no owner; what is left is told."""
