"""`lading tag`: another name for an image."""

from __future__ import annotations

from lading.cli import references
from lading.cli.command import Command
from lading.cli.parser import Arguments, parse
from lading.sdk import images

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lading.cli.session import Session

COMMAND = Command(
    "tag",
    "SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]",
    "Create a tag TARGET_IMAGE that refers to SOURCE_IMAGE",
    least=2,
    most=2,
    aliases=("image tag", "tag"),
)


def run(session: Session, words: Sequence[str]) -> int:
    source, target = parse(words, COMMAND, Arguments()).words
    repository, tag = references.split(target)
    session.run(images.tag(source, repository=repository, tag=tag))
    return 0
