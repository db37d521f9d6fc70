"""`lading image prune`: delete the images that nobody uses."""

from __future__ import annotations

import sys

from lading import quantities
from lading.cli.command import Command
from lading.cli.failures import Failure
from lading.cli.flags import BOOL, FILTER, Flag
from lading.cli.parser import Arguments, parse
from lading.sdk import images

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lading.cli.session import Session

COMMAND = Command(
    "image prune",
    "[OPTIONS]",
    "Remove unused images",
    (
        Flag("all", "a", BOOL, "Remove all unused images, not just dangling ones"),
        Flag("dry-run", "", BOOL, "Show what would be removed"),
        Flag("filter", "", FILTER, "Provide filter values (e.g. 'until=<timestamp>')"),
        Flag("force", "f", BOOL, "Do not prompt for confirmation"),
    ),
    most=0,
)

DANGLING = "This will remove all dangling images."
UNUSED = "This will remove all images without at least one container associated to them."


class PruneArguments(Arguments):
    all: bool
    dry_run: bool
    filter: dict[str, list[str]]
    force: bool


def run(session: Session, words: Sequence[str]) -> int:
    args = parse(words, COMMAND, PruneArguments())
    filters = {**args.filter, "dangling": ["false" if args.all else "true"]}
    if not args.force and not args.dry_run and not _confirmed(UNUSED if args.all else DANGLING):
        raise Failure("image prune has been cancelled")
    done = session.run(images.prune(filters=filters, dry_run=args.dry_run))
    deleted = done.get("ImagesDeleted") or []
    if deleted:
        sys.stdout.write("Would delete:\n" if args.dry_run else "Deleted Images:\n")
    for document in deleted:
        for verb, thing in document.items():
            sys.stdout.write(f"{verb.lower()}: {thing}\n")
    if deleted:
        sys.stdout.write("\n")
    size = quantities.format_bytes_3(done.get("SpaceReclaimed") or 0)
    sys.stdout.write(f"Total reclaim{'able' if args.dry_run else 'ed'} space: {size}\n")
    return 0


def _confirmed(warning: str) -> bool:
    sys.stdout.write(f"WARNING! {warning}\nAre you sure you want to continue? [y/N] ")
    sys.stdout.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")
