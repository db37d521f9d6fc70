"""Files of a volume, in and out, as those of a container: its root is all that the thread sees."""

import os
from typing import NamedTuple

from lading.containers.files import paths
from lading.containers.files.archive import write_archive
from lading.containers.files.download import Download
from lading.kernel import namespaces
from lading.storage.layers import Source, extract, open_compressed
from lading.wire.containers import PathStat

_ROOT = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC


class VolumeView(NamedTuple):
    """A way to a volume's files; see `view.View`."""

    path: str

    def enter(self) -> int:
        """Raises OSError."""
        namespaces.unshare(namespaces.CLONE_FS)  # a root and directory of this thread alone
        root = os.open(self.path, _ROOT)
        os.fchdir(root)
        os.chroot(".")
        return root


class VolumeFiles(NamedTuple):
    """One path of a volume; methods that take a root run in its view."""

    volume: str
    path: str

    @property
    def place(self) -> str:
        """The path from the volume's root."""
        return paths.absolute(self.path or "/")

    def describe(self, root: int) -> PathStat:
        """Raises NoSuchFile."""
        return paths.describe(root, self.place, asked=self.path, container=self.volume)

    def check_directory(self, root: int) -> None:
        """Raises NoSuchFile, NotADirectory."""
        place = self.place.rstrip("/") + "/."
        try:
            paths.lstat(root, place, asked=self.path, container=self.volume)
        except paths.Unreadable:
            raise paths.NotADirectory from None

    def read(self, root: int, *, download: Download) -> None:
        """Write the archive."""
        write_archive(root, self.place, download, None)

    def opened(self, source: Source) -> Source:
        """The plain bytes of an archive; call it outside of the view, for it loads codecs."""
        return open_compressed(source)

    def write(self, root: int, *, source: Source) -> None:
        """Unpack it."""
        directory = os.fsencode(paths.evaluate(root, self.place).strip("/"))
        extract(source, root, directory)
