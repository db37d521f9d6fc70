"""What `pull` and `push` have in common: which tags are meant, and how progress is shown."""

from __future__ import annotations

import sys

from lading.cli import progress, references
from lading.cli.failures import Failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from lading.sdk.client import RawStream


def meant(name: str, *, all_tags: bool, quiet: bool) -> tuple[str, str]:
    """Repository and tag, "" for all tags; says so when the tag is the default. Raises Failure."""
    repository, tag = references.split(name)
    if all_tags:
        if references.has_tag(name):
            raise Failure("tag can't be used with --all-tags/-a")
        return repository, ""
    if not references.has_tag(name) and not quiet:
        sys.stdout.write("Using default tag: latest\n")
        sys.stdout.flush()
    return repository, tag


def follow(stream: RawStream, environ: Mapping[str, str], *, quiet: bool) -> None:
    """Show the progress to its end, or with `quiet` only fail as it fails."""
    if quiet:
        for _ in progress.documents(stream):
            pass
    else:
        progress.show(stream, sys.stdout, environ)
