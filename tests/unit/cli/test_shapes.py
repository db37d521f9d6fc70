"""Documents as the types that templates see."""

from __future__ import annotations

import pytest

from lading.cli import shapes
from lading.cli.gotemplate import TemplateError, parse
from lading.cli.shapes import Shaped

CONTAINER = {
    "Id": "abc",
    "State": {"Status": "running", "Running": True},
    "Config": {
        "Labels": {"a.b": "c"},
        "Healthcheck": {"Test": ["NONE"], "Interval": 90_000_000_000},
    },
    "HostConfig": {"NanoCpus": 5},
    "NetworkSettings": {
        "Ports": {"80/tcp": [{"HostIp": "::", "HostPort": "8080"}], "81/tcp": None}
    },
}


def seen(text: str) -> str:
    return parse(text).render(Shaped("container.InspectResponse", CONTAINER))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{.ID}} {{.State.Status}} {{.HostConfig.NanoCPUs}}", "abc running 5"),
        ("{{.State.Health}}|{{if .State.Health}}x{{end}}", "<nil>|"),
        ('{{index .Config.Labels "a.b"}} {{index .Config.Labels "x"}}|', "c |"),
        ("{{.Config.Labels.x}}", "<no value>"),
        ("{{.Config.Env}} {{json .Config.Env}} {{len .Mounts}}", "[] null 0"),
        ("{{.Config.Healthcheck.Interval}} {{gt .Config.Healthcheck.Interval 5}}", "1m30s true"),
        ('{{(index (index .NetworkSettings.Ports "80/tcp") 0).HostPort}}', "8080"),
        ("{{.NetworkSettings.Ports}}", "map[80/tcp:[{:: 8080}] 81/tcp:[]]"),
        ("{{.HostConfig.RestartPolicy.Name}}|{{.RestartCount}}", "|0"),
    ],
)
def test_fields_are_there_whether_json_has_them_or_not(text: str, expected: str) -> None:
    assert seen(text) == expected


def test_what_is_behind_nothing_is_an_error() -> None:
    with pytest.raises(TemplateError, match=r"nil pointer evaluating \*container.Health.Status"):
        seen("{{.State.Health.Status}}")
    with pytest.raises(TemplateError, match=r"can't evaluate field Nope in type container.State"):
        seen("{{.State.Nope}}")


def test_every_type_that_a_shape_names_is_known() -> None:
    for name in shapes._TEXTS:
        for _, kind in shapes.fields_of(name).values():
            target = kind.removeprefix("T:").lstrip("*[]{}")
            assert len(target) < 2 or target in shapes._TEXTS, (name, kind)
