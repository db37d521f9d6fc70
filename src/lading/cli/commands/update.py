"""`lading update`: other limits for containers that exist, running ones included."""

from __future__ import annotations

import sys

from lading.cli import limit_flags, option_values, ports
from lading.cli.command import Command
from lading.cli.each import for_each
from lading.cli.failures import Failure
from lading.cli.flags import LIST, STRING, Flag
from lading.cli.parser import parse
from lading.sdk import containers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lading.cli.session import Session
    from lading.sdk.request import Document

COMMAND = Command(
    "update",
    "[OPTIONS] CONTAINER [CONTAINER...]",
    "Update configuration of one or more containers",
    (
        *limit_flags.FLAGS,
        Flag("publish-add", "", LIST, "Publish one more port, as in run"),
        Flag("publish-rm", "", LIST, "Stop publishing: PORT[/PROTO], or a mapping as in run"),
        Flag("restart", "", STRING, "Restart policy to apply when a container exits"),
    ),
    least=1,
    aliases=("container update", "update"),
)


class UpdateArguments(limit_flags.LimitArguments):
    publish_add: list[str]
    publish_rm: list[str]
    restart: str


def run(session: Session, words: Sequence[str]) -> int:
    args = parse(words, COMMAND, UpdateArguments())
    if not args.given:
        raise Failure("you must provide one or more flags when using this command")
    document = to_update_request(args)
    warnings: list[str] = []

    def update(name: str) -> None:
        warnings.extend(session.run(containers.update(name, document)).get("Warnings") or [])

    code = for_each(args.words, update)
    sys.stdout.flush()
    sys.stderr.write("".join(f"{warning}\n" for warning in warnings))
    return code


def to_update_request(args: UpdateArguments) -> Document:
    """Only what was typed: the rest stays as it is. Raises Failure."""
    document = limit_flags.typed(args)
    if "restart" in args.given:
        try:
            document["RestartPolicy"] = option_values.restart_policy(args.restart)
        except ValueError as error:
            raise Failure(str(error)) from error
    try:
        document |= published(args)
    except ValueError as error:
        raise Failure(str(error)) from error
    return document


def published(args: UpdateArguments) -> Document:
    """The ports to publish and to take back. Raises ValueError."""
    document: Document = {}
    if args.publish_add:
        document["PublishAdd"] = ports.published(args.publish_add)
    if args.publish_rm:
        mappings = [text for text in args.publish_rm if ":" in text or "=" in text]
        whole = ports.exposed([text for text in args.publish_rm if text not in mappings])
        document["PublishRm"] = {port: [] for port in whole} | ports.published(mappings)
    return document
