"""`lading volume cp`: files and directories between a volume and this machine."""

from __future__ import annotations

from lading.cli.command import Command
from lading.cli.commands import cp
from lading.cli.flags import BOOL, Flag
from lading.cli.parser import parse
from lading.sdk import volumes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lading.cli.session import Session

COMMAND = Command(
    "volume cp",
    "[OPTIONS] VOLUME:SRC_PATH DEST_PATH|-\n\tlading volume cp [OPTIONS] "
    "SRC_PATH|- VOLUME:DEST_PATH",
    "Copy files/folders between a volume and the local filesystem",
    (
        Flag("archive", "a", BOOL, "Archive mode (copy all uid/gid information)", hidden=True),
        Flag("follow-link", "L", BOOL, "Always follow symbol link in SRC_PATH"),
        Flag("quiet", "q", BOOL, "Suppress progress output during copy"),
    ),
    least=2,
    most=2,
)


class CpArguments(cp.CpArguments):
    """A volume has no user whose files they could become: `-a` is how it always is."""


def run(session: Session, words: Sequence[str]) -> int:
    return cp.copy(session, parse(words, COMMAND, CpArguments()), volumes)
