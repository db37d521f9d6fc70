"""`lading rmi`: tags go, and the images that nothing names any more."""

from __future__ import annotations

from lading.cli.command import Command
from lading.cli.each import for_each
from lading.cli.flags import BOOL, Flag
from lading.cli.parser import Arguments, parse
from lading.sdk import images
from lading.sdk.errors import ApiError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lading.cli.session import Session

COMMAND = Command(
    "rmi",
    "[OPTIONS] IMAGE [IMAGE...]",
    "Remove one or more images",
    (
        Flag("force", "f", BOOL, "Force removal of the image"),
        Flag("no-prune", "", BOOL, "Do not delete untagged parents"),
    ),
    least=1,
    aliases=("image rm", "image remove", "rmi"),
)


class RmiArguments(Arguments):
    force: bool
    no_prune: bool


def run(session: Session, words: Sequence[str]) -> int:
    args = parse(words, COMMAND, RmiArguments())
    missing: list[str] = []

    def remove(name: str) -> str | None:
        try:
            removed = session.run(images.remove(name, force=args.force, no_prune=args.no_prune))
        except ApiError as error:
            if error.status == 404:
                missing.append(name)
            raise
        return "\n".join(
            f"{verb}: {thing}" for document in removed for verb, thing in document.items()
        )

    code = for_each(args.words, remove)
    # as `rm -f` of a file: what is not there is no failure
    return 0 if args.force and len(missing) == len(args.words) else code
