"""An archive from a container into a tree of ours.

The archive is not trusted. Each entry is reached from the destination by descriptors, part by part,
and a symbolic link on the way is an error, so no entry can be written outside. Owners are those of
the command's user, as in `cp`; so bits for set-user-id and set-group-id are dropped.
"""

from __future__ import annotations

import errno
import os
import tarfile

from lading.cli.failures import Failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lading.sdk.client import RawStream

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_MODE_BITS = 0o1777  # without set-user-id and set-group-id
_DIRECTORY_BITS = 0o3777  # of a directory the latter only says who owns what is made in it
PIECE = 256 * 1024


class StreamFile:
    """A stream as the file that tarfile reads; `count` is what went through."""

    def __init__(self, stream: RawStream) -> None:
        self._stream = stream
        self._rest = b""
        self.count = 0

    def read(self, size: int) -> bytes:
        pieces = [self._rest]
        have = len(self._rest)
        while have < size:
            piece = self._stream.receive()
            if not piece:
                break
            pieces.append(piece)
            have += len(piece)
        data = b"".join(pieces)
        self._rest = data[size:]
        self.count += min(size, len(data))
        return data[:size]


def unpack(stream: RawStream, directory: str, rename: Callable[[str], str]) -> int:
    """Returns the bytes of the archive. Raises Failure, OSError."""
    file = StreamFile(stream)
    root = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    later: list[tuple[str, tarfile.TarInfo]] = []
    try:
        with tarfile.open(fileobj=file, mode="r|") as archive:  # type: ignore[call-overload]
            for entry in archive:
                name = rename(entry.name)
                _Entry(root, name, entry, archive, rename).make()
                if entry.isdir():
                    later.append((name, entry))
        _finish(root, later)
        while file.read(PIECE):
            pass  # what pads the archive
    except tarfile.TarError as error:
        raise Failure(f"the archive is damaged: {error}") from error
    finally:
        os.close(root)
    return file.count


def _finish(root: int, directories: list[tuple[str, tarfile.TarInfo]]) -> None:
    """Modes and times of directories last: making what is in them changes both."""
    for name, entry in reversed(directories):
        with _Opened(root, _parts(name)) as descriptor:
            os.fchmod(descriptor, entry.mode & _DIRECTORY_BITS)
            os.utime(descriptor, (entry.mtime, entry.mtime))


def _parts(name: str) -> list[str]:
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise Failure(f"the archive wants to leave the destination: {name!r}")
    return parts


class _Opened:
    """A directory below the root, its missing parents made; closed at the end of the context."""

    def __init__(self, root: int, parts: list[str]) -> None:
        self._root = root
        self._parts = parts
        self._descriptor = -1

    def __enter__(self) -> int:
        self._descriptor = os.dup(self._root)
        for part in self._parts:
            try:
                following = self._step(part)
            except OSError as error:
                os.close(self._descriptor)
                if error.errno in (errno.ELOOP, errno.ENOTDIR):
                    raise Failure(f"not a directory: {'/'.join(self._parts)!r}") from error
                raise
            os.close(self._descriptor)
            self._descriptor = following
        return self._descriptor

    def _step(self, part: str) -> int:
        try:
            return os.open(part, _DIRECTORY, dir_fd=self._descriptor)
        except FileNotFoundError:
            os.mkdir(part, 0o755, dir_fd=self._descriptor)
            return os.open(part, _DIRECTORY, dir_fd=self._descriptor)

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)


class _Entry:
    def __init__(
        self,
        root: int,
        name: str,
        entry: tarfile.TarInfo,
        archive: tarfile.TarFile,
        rename: Callable[[str], str],
    ) -> None:
        self._root = root
        self._name = name
        self._entry = entry
        self._archive = archive
        self._rename = rename

    def make(self) -> None:
        parts = _parts(self._name)
        if not parts:
            return  # the destination itself
        with _Opened(self._root, parts[:-1]) as parent:
            self._make_in(parent, parts[-1])

    def _make_in(self, parent: int, last: str) -> None:
        entry = self._entry
        if entry.isdir():
            self._directory(parent, last)
            return
        self._clear(parent, last)
        if entry.isreg():
            self._file(parent, last)
            return
        if entry.issym():
            os.symlink(entry.linkname, last, dir_fd=parent)
        elif entry.islnk():
            self._hard_link(parent, last)
            return
        elif entry.isfifo():
            os.mkfifo(last, entry.mode & _MODE_BITS, dir_fd=parent)
        elif entry.ischr() or entry.isblk():
            kind = 0o020000 if entry.ischr() else 0o060000
            device = os.makedev(entry.devmajor, entry.devminor)
            os.mknod(last, kind | entry.mode & _MODE_BITS, device, dir_fd=parent)
        os.utime(last, (entry.mtime, entry.mtime), dir_fd=parent, follow_symlinks=False)

    def _directory(self, parent: int, last: str) -> None:
        try:
            os.mkdir(last, 0o700, dir_fd=parent)
        except FileExistsError:
            try:
                os.close(os.open(last, _DIRECTORY, dir_fd=parent))
            except OSError as error:
                raise Failure(
                    f'cannot overwrite non-directory "{last}" with directory "{self._name}"'
                ) from error

    def _clear(self, parent: int, last: str) -> None:
        try:
            os.unlink(last, dir_fd=parent)
        except FileNotFoundError:
            return
        except (IsADirectoryError, PermissionError) as error:
            raise Failure(
                f'cannot overwrite directory "{last}" with non-directory "{self._name}"'
            ) from error

    def _file(self, parent: int, last: str) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(last, flags, 0o600, dir_fd=parent)
        with open(descriptor, "wb") as file:
            for piece in self._content():
                file.write(piece)
            file.flush()
            os.fchmod(descriptor, self._entry.mode & _MODE_BITS)
            os.utime(descriptor, (self._entry.mtime, self._entry.mtime))

    def _content(self) -> Iterator[bytes]:
        source = self._archive.extractfile(self._entry)
        assert source is not None, "a regular file has content"
        while piece := source.read(PIECE):
            yield piece

    def _hard_link(self, parent: int, last: str) -> None:
        target = _parts(self._rename(self._entry.linkname))
        with _Opened(self._root, target[:-1]) as where:
            os.link(target[-1], last, src_dir_fd=where, dst_dir_fd=parent, follow_symlinks=False)
