"""`--platform linux/arm64` as the JSON object that newer operations of the API want."""

from __future__ import annotations

from lading.cli.failures import Failure
from lading.sdk import json_text


def to_json(text: str) -> str | None:
    """`os[/architecture[/variant]]`; None for an empty text. Raises Failure."""
    if not text:
        return None
    parts = text.split("/")
    if len(parts) > 3 or not all(parts) or len(parts) < 2:
        raise Failure(f"invalid platform: {text!r}: write os/architecture[/variant]")
    names = ("os", "architecture", "variant")
    return json_text.dumps(dict(zip(names, parts, strict=False)))
