"""`lading system prune`: everything that nothing uses goes."""

from __future__ import annotations

import sys

from lading.cli import confirming
from lading.cli.command import Command
from lading.cli.failures import Failure
from lading.cli.flags import BOOL, FILTER, Flag
from lading.cli.parser import Arguments, parse
from lading.sdk import objects
from lading.sdk.errors import ApiError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lading.cli.session import Session
    from lading.sdk.request import Document

COMMAND = Command(
    "system prune",
    "[OPTIONS]",
    "Remove unused data",
    (
        Flag("all", "a", BOOL, "Remove all unused images not just dangling ones"),
        Flag("filter", "", FILTER, 'Provide filter values (e.g. "label=<key>=<value>")'),
        Flag("force", "f", BOOL, "Do not prompt for confirmation"),
        Flag("volumes", "", BOOL, "Prune anonymous volumes"),
    ),
    most=0,
)


class SystemPruneArguments(Arguments):
    all: bool
    filter: dict[str, list[str]]
    force: bool
    volumes: bool


def run(session: Session, words: Sequence[str]) -> int:
    args = parse(words, COMMAND, SystemPruneArguments())
    if args.volumes and "until" in args.filter:
        raise Failure('ERROR: The "until" filter is not supported with "--volumes"')
    if not args.force and not confirming.confirm(warning(args)):
        return 0
    reclaimed = 0
    for kind, title, key in _kinds(args):
        done = _prune(session, kind, filters_of(kind, args))
        reclaimed += done.get("SpaceReclaimed") or 0
        sys.stdout.write(confirming.report(title, _names(done.get(key) or [])))
    sys.stdout.write(confirming.reclaimed(reclaimed))
    return 0


def _kinds(args: SystemPruneArguments) -> list[tuple[str, str, str]]:
    """In this order: what uses before what is used."""
    volumes = [("volumes", "Deleted Volumes", "VolumesDeleted")] if args.volumes else []
    return [
        ("containers", "Deleted Containers", "ContainersDeleted"),
        ("networks", "Deleted Networks", "NetworksDeleted"),
        *volumes,
        ("images", "Deleted Images", "ImagesDeleted"),
        ("build", "Deleted build cache objects", "CachesDeleted"),
    ]


def filters_of(kind: str, args: SystemPruneArguments) -> dict[str, list[str]]:
    filters = dict(args.filter)
    if kind == "images":
        filters["dangling"] = ["false" if args.all else "true"]
    return filters


def _prune(session: Session, kind: str, filters: dict[str, list[str]]) -> Document:
    """An engine without a builder has no cache of one."""
    try:
        return session.run(objects.prune(kind, filters))
    except ApiError as error:
        if kind == "build" and error.status in (404, 501):
            return {}
        raise


def _names(found: list[object]) -> list[str]:
    """Images tell what went as `untagged: reference` and `deleted: id`."""
    return [
        ", ".join(f"{key.lower()}: {value}" for key, value in item.items())
        if isinstance(item, dict)
        else str(item)
        for item in found
    ]


def warning(args: SystemPruneArguments) -> str:
    lines = ["all stopped containers", "all networks not used by at least one container"]
    if args.volumes:
        lines.append("all anonymous volumes not used by at least one container")
    if args.all:
        lines.append("all images without at least one container associated to them")
    else:
        lines.append("all dangling images")
    lines.append("all build cache" if args.all else "unused build cache")
    text = "WARNING! This will remove:\n" + "".join(f"  - {line}\n" for line in lines)
    if args.filter:
        pairs = [f"{key}={value}" for key, values in args.filter.items() for value in values]
        text += "\n  Items to be pruned will be filtered with:\n"
        text += "".join(f"  - {pair}\n" for pair in sorted(pairs))
    return text
