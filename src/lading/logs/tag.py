"""The `tag` of a log: a small Go template over what a container is.

    {{.Name}}/{{.ID}}    {{lower .ImageName}}    {{.Name | upper}}    {{json .Command}}

Fields as dockerd names them: https://docs.docker.com/engine/logging/log_tags/
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from lading.errors import InvalidArgument
from lading.names import short_id


class BadTag(InvalidArgument):
    """template: log-tag:1{0}"""


class TagSource(NamedTuple):
    """What is known of a container where its log is opened."""

    id: str
    name: str
    image_id: str
    image_name: str
    command: str
    hostname: str
    labels: Mapping[str, str] = {}
    env: Sequence[str] = ()
    created_ns: int = 0

    def fields(self) -> dict[str, str]:
        """By the names that templates use."""
        image = self.image_id.removeprefix("sha256:")
        return {
            "ID": short_id(self.id),
            "FullID": self.id,
            "Name": self.name,
            "ImageID": short_id(image),
            "ImageFullID": self.image_id,
            "ImageName": self.image_name,
            "Command": self.command,
            "DaemonName": "docker",
            "Hostname": self.hostname,
        }


FUNCTIONS: dict[str, Callable[[str], str]] = {
    "json": json.dumps,
    "lower": str.lower,
    "upper": str.upper,
    "title": str.title,
    "print": str,
}
_WORD = re.compile(r'\.[A-Za-z]+|[a-z]+|\||"(?:[^"\\]|\\.)*"|\S')


def render(template: str, source: TagSource) -> str:
    """The text of the tag. Raises BadTag."""
    text, fields = "", source.fields()
    while True:
        before, opened, rest = template.partition("{{")
        if not opened:
            return text + before
        action, closed, template = rest.partition("}}")
        if not closed:
            raise BadTag(": unclosed action")
        left, right = action.startswith("- "), action.endswith(" -")
        text += before.rstrip() if left else before
        text += _evaluate(action[2 * left : len(action) - 2 * right], fields)
        template = template.lstrip() if right else template


def _evaluate(action: str, fields: Mapping[str, str]) -> str:
    """One action: a field, or functions around it, on either side of bars."""
    value: str | None = None
    for command in " ".join(_WORD.findall(action)).split("|"):
        for word in reversed(command.split()):
            value = _apply(word, value, fields)
    if value is None:
        raise BadTag(": missing value for command")
    return value


def _apply(word: str, value: str | None, fields: Mapping[str, str]) -> str:
    if word.startswith("."):
        if word[1:] not in fields:
            raise BadTag(
                f':2: executing "log-tag" at <{word}>: '
                f"can't evaluate field {word[1:]} in type *logger.Info"
            )
        return fields[word[1:]]
    if word not in FUNCTIONS:
        raise BadTag(f': function "{word}" not defined')
    if value is None:
        raise BadTag(f': executing "log-tag" at <{word}>: wrong number of args for {word}')
    return FUNCTIONS[word](value)
