"""`lading manifest inspect`: a manifest or a list, of a registry or one that is being made."""

from __future__ import annotations

import sys

from lading.cli.command import Command
from lading.cli.failures import Failure
from lading.cli.flags import BOOL, Flag
from lading.cli.manifest_lists import INDEXES, Lists, raw, to_list
from lading.cli.parser import Arguments, parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lading.cli.session import Session
    from lading.sdk.request import Document

COMMAND = Command(
    "manifest inspect",
    "[OPTIONS] [MANIFEST_LIST] MANIFEST",
    "Display an image manifest, or manifest list",
    (
        Flag("insecure", "", BOOL, "Allow communication with an insecure registry"),
        Flag("verbose", "v", BOOL, "Output additional info including layers and platform"),
    ),
    least=1,
    most=2,
)
LIST_INDENT, INDENT = 3, "\t"  # as docker prints them


class InspectArguments(Arguments):
    insecure: bool
    verbose: bool


def run(session: Session, words: Sequence[str]) -> int:
    args = parse(words, COMMAND, InspectArguments())
    lists = Lists(session)
    if len(args.words) == 2:
        document = lists.entry(*args.words)
        if document is None and lists.entries(args.words[0]):
            raise Failure(f"no such manifest: {args.words[1]}")
        if document is not None:
            _print(document, args.verbose)
            return 0
    name = args.words[-1]
    entries = lists.entries(name)
    if entries:
        _print_list(entries, to_list(entries), args.verbose)
        return 0
    document = lists.fetch(name, insecure=args.insecure, deep=args.verbose)
    if document["Descriptor"]["mediaType"] in INDEXES:
        _print_list(document.get("Manifests") or [], _decoded(document), args.verbose)
    else:
        _print(document, args.verbose)
    return 0


def _print(document: Document, is_verbose: bool) -> None:
    _write(document if is_verbose else _decoded(document), INDENT)


def _print_list(entries: list[Document], listed: Document, is_verbose: bool) -> None:
    if is_verbose:
        _write(entries, INDENT)
    else:
        _write(listed, LIST_INDENT)


def _decoded(document: Document) -> Document:
    import json

    decoded: Document = json.loads(raw(document))
    return decoded


def _write(document: object, indent: str | int) -> None:
    import json

    sys.stdout.write(json.dumps(document, indent=indent, ensure_ascii=False) + "\n")
