"""`lading manifest annotate`: say for which platform a manifest of a list is."""

from __future__ import annotations

from lading.cli import references
from lading.cli.command import Command
from lading.cli.failures import Failure
from lading.cli.flags import STRING, STRINGS, Flag
from lading.cli.manifest_lists import Lists
from lading.cli.parser import Arguments, parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lading.cli.session import Session
    from lading.sdk.request import Document

COMMAND = Command(
    "manifest annotate",
    "[OPTIONS] MANIFEST_LIST MANIFEST",
    "Add additional information to a local image manifest",
    (
        Flag("arch", "", STRING, "Set architecture"),
        Flag("os", "", STRING, "Set operating system"),
        Flag("os-features", "", STRINGS, "Set operating system feature"),
        Flag("os-version", "", STRING, "Set operating system version"),
        Flag("variant", "", STRING, "Set architecture variant"),
    ),
    least=2,
    most=2,
)

# What Go's compiler knows, which is what docker takes (`go tool dist list`).
_SYSTEMS = {
    "darwin": "386 amd64 arm arm64",
    "dragonfly": "amd64",
    "freebsd": "386 amd64 arm",
    "linux": "386 amd64 arm arm64 ppc64le mips64 mips64le riscv64 s390x",
    "netbsd": "386 amd64 arm",
    "openbsd": "386 amd64 arm",
    "plan9": "386 amd64",
    "solaris": "amd64",
    "windows": "386 amd64 arm arm64",
}


class AnnotateArguments(Arguments):
    arch: str
    os: str
    os_features: list[str]
    os_version: str
    variant: str


def run(session: Session, words: Sequence[str]) -> int:
    args = parse(words, COMMAND, AnnotateArguments())
    lists, (name, manifest) = Lists(session), args.words
    document = lists.entry(name, manifest)
    if document is None:
        shown = references.familiar(manifest), references.familiar(name)
        raise Failure("manifest for image {} does not exist in {}".format(*shown))
    document["Descriptor"]["platform"] = _platform(document, args)
    lists.save(name, document)
    return 0


def _platform(document: Document, args: AnnotateArguments) -> Document:
    """The platform with what was said. Raises Failure for a pair that nobody runs."""
    platform: Document = dict(document["Descriptor"].get("platform") or {})
    said: Document = {
        "architecture": args.arch,
        "os": args.os,
        "os.version": args.os_version,
        "variant": args.variant,
    }
    platform.update({key: value for key, value in said.items() if value})
    if args.os_features:
        known = platform.get("os.features") or []
        platform["os.features"] = [*known, *(f for f in args.os_features if f not in known)]
    system, architecture = platform.get("os", ""), platform.get("architecture", "")
    if architecture not in _SYSTEMS.get(system, "").split():
        raise Failure(
            f"manifest entry for image has unsupported os/arch combination: {system}/{architecture}"
        )
    return platform
