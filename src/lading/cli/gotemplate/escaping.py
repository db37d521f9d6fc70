"""`html`, `js` and `urlquery`: texts made safe for where they go. Source: Go, text/template."""

from __future__ import annotations

from lading.cli.gotemplate import printing

_HTML = {
    "\0": "\ufffd",
    '"': "&#34;",
    "'": "&#39;",
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
}
_JS = {
    "\\": "\\\\",
    "'": "\\'",
    '"': '\\"',
    "<": "\\u003C",
    ">": "\\u003E",
    "&": "\\u0026",
    "=": "\\u003D",
}


def html(*arguments: object) -> str:
    return "".join(_HTML.get(letter, letter) for letter in printing.joined(arguments))


def js(*arguments: object) -> str:
    return "".join(_js_letter(letter) for letter in printing.joined(arguments))


def _js_letter(letter: str) -> str:
    if letter in _JS:
        return _JS[letter]
    if letter < " " or (letter > "\x7f" and not letter.isprintable()):
        return f"\\u{ord(letter):04X}"
    return letter


def url_query(*arguments: object) -> str:
    from lading.sdk.request import quote

    return quote(printing.joined(arguments), " ").replace(" ", "+")
