"""Filters of `GET /images/json`: values of one key are alternatives, keys must all hold; labels
must hold each. Unknown keys are refused in Docker's words.
"""

import fnmatch
import re
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from lading import quantities
from lading.errors import InvalidArgument
from lading.images.image import Image
from lading.oci import reference as references

UNUSED_FOR = "unused-for"  # Lading's own
KEYS = frozenset(
    {"dangling", "label", "label!", "before", "since", "until", "reference", UNUSED_FOR}
)
_FALSE = frozenset({"", "0", "f", "false", "no", "none"})

Filters = Mapping[str, Sequence[str]]


class InvalidFilter(InvalidArgument):
    """invalid filter '{0}'"""


def check(filters: Filters) -> None:
    """Raise InvalidFilter for a key that is not known."""
    for key in filters:
        if key not in KEYS:
            raise InvalidFilter(key)


def apply(
    images: Sequence[Image], filters: Filters, *, find: Callable[[str], Image]
) -> list[Image]:
    """The images that pass; `find` looks up what `before` and `since` name."""
    check(filters)
    tests: list[Callable[[Image], bool]] = []
    if values := filters.get("dangling"):
        check_truth("dangling", values)
        wanted = {value.lower() not in _FALSE for value in values}
        tests.append(lambda image: image.is_dangling in wanted)
    for value in filters.get("label", ()):
        tests.append(lambda image, value=value: has_label(image, value))  # type: ignore[misc]
    for value in filters.get("label!", ()):
        tests.append(lambda image, value=value: not has_label(image, value))  # type: ignore[misc]
    if values := filters.get("before"):
        newest = min(created_s(find(value)) for value in values)
        tests.append(lambda image: created_s(image) < newest)
    if values := filters.get("since"):
        oldest = max(created_s(find(value)) for value in values)
        tests.append(lambda image: created_s(image) > oldest)
    if values := filters.get("until"):
        limit = min(parse_until_s(value) for value in values)
        tests.append(lambda image: created_s(image) < limit)
    if values := filters.get(UNUSED_FOR):
        last = min(parse_until_s(value) for value in values) * 1e9
        tests.append(lambda image: max(image.used_ns, image.added_ns) < last)
    passed = [image for image in images if all(test(image) for test in tests)]
    if patterns := filters.get("reference"):
        passed = [kept for image in passed if (kept := _with_matching(image, patterns))]
    return passed


def check_truth(name: str, values: Sequence[str]) -> None:
    """Raise InvalidFilter unless every value is a yes or a no, as Docker writes them."""
    if not set(values) <= {"true", "1", "false", "0"}:
        raise InvalidFilter(f"{name}=[{' '.join(values)}]")


def has_label(image: Image, text: str) -> bool:
    """Whether the image has the label "key" or "key=value"."""
    key, has_value, value = text.partition("=")
    labels = image.config.execution.labels or {}
    return key in labels and (not has_value or labels[key] == value)


def created_s(image: Image) -> float:
    """When the image was made, in seconds since the epoch."""
    return parse_time_s(image.created)


def parse_time_s(text: str) -> float:
    """A unix time or an RFC 3339 time, in seconds. Raises InvalidArgument."""
    try:
        return float(text)
    except ValueError:
        # fromisoformat takes at most six digits of a fraction
        trimmed = re.sub(r"(\.\d{6})\d+", r"\1", text)
    try:
        moment = datetime.fromisoformat(trimmed)
    except ValueError:
        raise InvalidArgument(f"invalid time: {text}") from None
    epoch = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=epoch.tzinfo)
    return (moment - epoch).total_seconds()


def parse_until_s(text: str) -> float:
    """A moment, or how long ago it was ("24h"), in seconds. Raises InvalidArgument."""
    try:
        return parse_time_s(text)
    except InvalidArgument:
        pass
    try:
        return time.time() - quantities.parse_duration_s(text)
    except InvalidArgument:
        raise InvalidArgument(f'failed to parse value as time or duration: "{text}"') from None


def _with_matching(image: Image, patterns: Sequence[str]) -> Image | None:
    """The image with the names that match; None when none does."""
    tags = [tag for tag in image.repo_tags if any(_matches(tag, each) for each in patterns)]
    named = [name for name in image.repo_digests if any(_matches(name, each) for each in patterns)]
    return image._replace(repo_tags=tags, repo_digests=named) if tags or named else None


def _matches(name: str, pattern: str) -> bool:
    """Go's path.Match over the whole name or the name without its tag: * stops at a slash."""
    reference = references.parse(name)
    expression = "/".join(fnmatch.translate(part)[4:-3] for part in pattern.split("/"))
    expression = expression.replace(".*", "[^/]*")
    forms = (reference.familiar, reference.familiar_name, reference.name, str(reference))
    return any(re.fullmatch(expression, form) for form in forms)
