"""References to images: "busybox", "example.org:5000/team/app:1.2@sha256:...".

The grammar and its normal form are those of Docker's reference package (distribution/reference,
`ParseNormalizedNamed`): a name without a registry is of docker.io, and there without a slash of
`library/`. `familiar` undoes exactly that for people to read.
"""

import re
from typing import NamedTuple

from lading.errors import InvalidArgument
from lading.oci import digest as digests

DEFAULT_DOMAIN = "docker.io"
LEGACY_DOMAIN = "index.docker.io"
OFFICIAL_PREFIX = "library/"
DEFAULT_TAG = "latest"
NAME_LIMIT = 255  # characters of the repository path

_ALNUM = r"[a-z0-9]+"
_PATH = rf"{_ALNUM}(?:(?:[._]|__|-+){_ALNUM})*"
_LABEL = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_DOMAIN = rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?"
_TAG = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
_DIGEST = r"[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}"
_REFERENCE = re.compile(
    rf"(?P<domain>{_DOMAIN})/(?P<path>{_PATH}(?:/{_PATH})*)"
    rf"(?::(?P<tag>{_TAG}))?(?:@(?P<digest>{_DIGEST}))?"
)
_IDENTIFIER = re.compile(r"[a-f0-9]{64}")
_ANY_TAG = re.compile(_TAG)


class InvalidReference(InvalidArgument):
    """{0}"""


class Reference(NamedTuple):
    """A normalized reference: `domain` and `path` are complete, tag and digest may be absent."""

    domain: str
    path: str
    tag: str | None = None
    digest: str | None = None

    @property
    def name(self) -> str:
        """Domain and path: "docker.io/library/busybox"."""
        return f"{self.domain}/{self.path}"

    @property
    def familiar_name(self) -> str:
        """The name as people write it: "busybox"."""
        if self.domain != DEFAULT_DOMAIN:
            return self.name
        short = self.path.removeprefix(OFFICIAL_PREFIX)
        for candidate in (short, self.path):
            # "library/a/b" is not "a/b", and "docker.io/a.b/c" not "a.b/c": those are others
            if _split_domain(candidate) == (self.domain, self.path):
                return candidate
        return self.name

    @property
    def familiar(self) -> str:
        """The whole reference as people write it: "busybox:latest"."""
        return self.familiar_name + self._suffix

    def __str__(self) -> str:
        return self.name + self._suffix

    @property
    def _suffix(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        return tag + (f"@{self.digest}" if self.digest else "")

    def with_default_tag(self) -> "Reference":
        """Tagged `latest` unless it says a tag or a digest."""
        return self if self.tag or self.digest else self._replace(tag=DEFAULT_TAG)

    def without_tag_beside_digest(self) -> "Reference":
        """With a digest the tag says nothing: "busybox:1@sha256:..." is what the digest is."""
        return self._replace(tag=None) if self.digest else self

    def with_tag(self, tag: str) -> "Reference":
        """The same repository at a tag. Raises InvalidReference."""
        if not _ANY_TAG.fullmatch(tag):
            raise InvalidReference("invalid tag format")
        return Reference(self.domain, self.path, tag)

    def with_digest(self, digest: str) -> "Reference":
        """The same repository at a digest."""
        return Reference(self.domain, self.path, None, digest)


def parse(text: str) -> Reference:
    """Read and normalize a reference. Raises InvalidReference with Docker's texts."""
    if _IDENTIFIER.fullmatch(text):
        raise InvalidReference(
            f"invalid repository name ({text}), cannot specify 64-byte hexadecimal strings"
        )
    domain, remainder = _split_domain(text)
    repository = remainder.partition("@")[0].partition(":")[0]
    if repository != repository.lower():
        raise InvalidReference(
            f"invalid reference format: repository name ({repository}) must be lowercase"
        )
    match = _REFERENCE.fullmatch(f"{domain}/{remainder}")
    # the split decides what the domain is; a match that sees it elsewhere is another reference
    if match is None or match["domain"] != domain:
        raise InvalidReference("invalid reference format")
    if len(match["path"]) > NAME_LIMIT:
        raise InvalidReference(
            f"invalid reference format: repository name must not be more than {NAME_LIMIT}"
            " characters"
        )
    return Reference(domain, match["path"], match["tag"], _checked(match["digest"]))


def _split_domain(text: str) -> tuple[str, str]:
    """What stands before the first slash is a domain only if it cannot be a path component."""
    first, slash, rest = text.partition("/")
    is_domain = any(c in first for c in ".:") or first == "localhost" or first != first.lower()
    if not slash or not is_domain:
        first, rest = DEFAULT_DOMAIN, text
    if first == LEGACY_DOMAIN:
        first = DEFAULT_DOMAIN
    if first == DEFAULT_DOMAIN and "/" not in rest:
        rest = OFFICIAL_PREFIX + rest
    return first, rest


def _checked(digest: str | None) -> str | None:
    if digest is not None:
        try:
            digests.check(digest)
        except digests.InvalidDigest as error:
            raise InvalidReference(f"invalid reference format: {error}") from error
    return digest
