"""What every `inspect` prints: documents as indented JSON, or each through a template.

A template sees the typed document first, as Docker's own tools do (`.ID`, fields that JSON leaves
out are empty); when that fails it sees plain JSON, where a key that is missing is an error.
"""

from __future__ import annotations

from lading.cli import format

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lading.sdk.request import Document


def render(found: Sequence[tuple[str, Document]], wanted: str) -> tuple[str, list[str]]:
    """What to print, and what went wrong. `found` are pairs of a type of `shapes` and a document.

    Raises Failure when the template itself is wrong.
    """
    if wanted in ("", "json"):
        return _json([document for _, document in found], is_indented=not wanted), []
    from lading.cli.gotemplate import TemplateError
    from lading.cli.shapes import Shaped

    template = format.parse(wanted)
    lines, problems = [], []
    for go_type, document in found:
        text, problem = template.render_until_error(Shaped(go_type, document))
        try:
            lines.append((template.render(document, strict=True) if problem else text) + "\n")
        except TemplateError as error:
            problems.append(f"template parsing error: {error}")
    return "".join(lines) or "\n", problems


def _json(documents: list[Document], *, is_indented: bool) -> str:
    import json

    indent = 4 if is_indented else None
    separators = None if is_indented else (",", ":")
    return json.dumps(documents, indent=indent, separators=separators, ensure_ascii=False) + "\n"
