"""What does not fit is told as Go tells it; the texts are those that dockerd 28 answered."""

import json

import pytest

from lading.errors import InvalidArgument
from lading.wire.codec import decode
from lading.wire.containers import ContainerCreate, ContainerUpdate
from lading.wire.exec import ExecConfig

STRUCT = "Go struct field "
CREATED = [
    ({"Image": 5}, f"number into {STRUCT}.Image of type string"),
    ({"Tty": "x"}, f"string into {STRUCT}.Tty of type bool"),
    ({"Env": {"a": 1}}, f"object into {STRUCT}.Env of type []string"),
    ({"Labels": []}, f"array into {STRUCT}.Labels of type map[string]string"),
    ({"StopTimeout": "x"}, f"string into {STRUCT}.StopTimeout of type int"),
    ({"HostConfig": "x"}, f"string into {STRUCT}.HostConfig of type container.HostConfig"),
    ({"HostConfig": {"Memory": "x"}}, f"string into {STRUCT}.HostConfig.Memory of type int64"),
    ({"HostConfig": {"Binds": "x"}}, f"string into {STRUCT}.HostConfig.Binds of type []string"),
    ({"HostConfig": {"Binds": [1]}}, "number into .HostConfig.Binds.0 of type string"),
    ({"HostConfig": {"PidsLimit": "x"}},
     f"string into {STRUCT}.HostConfig.PidsLimit of type int64"),
    ({"HostConfig": {"RestartPolicy": "always"}},
     f"string into {STRUCT}.HostConfig.RestartPolicy of type container.RestartPolicy"),
    ({"HostConfig": {"RestartPolicy": {"MaximumRetryCount": "x"}}},
     f"string into {STRUCT}.HostConfig.RestartPolicy.MaximumRetryCount of type int"),
    ({"HostConfig": {"Ulimits": [{"Soft": "x"}]}},
     f"string into {STRUCT}.HostConfig.Ulimits.0.Soft of type int64"),
    ({"HostConfig": {"Memory": 99999999999999999999}},
     f"number 99999999999999999999 into {STRUCT}.HostConfig.Memory of type int64"),
    ({"Healthcheck": {"Interval": "1s"}},
     f"string into {STRUCT}.Healthcheck.Interval of type time.Duration"),
    ([], "array into Go value of type container.CreateRequest"),
]  # fmt: skip


@pytest.mark.parametrize(("document", "text"), CREATED, ids=str)
def test_of_a_create(document: object, text: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        decode(json.dumps(document).encode(), ContainerCreate)
    assert str(caught.value) == f"invalid JSON: json: cannot unmarshal {text}"


def test_of_documents_that_have_a_name() -> None:
    with pytest.raises(InvalidArgument, match=r"struct field UpdateConfig\.Memory of type int64"):
        decode(b'{"Memory": "x"}', ContainerUpdate)
    with pytest.raises(InvalidArgument, match=r"value of type container\.ExecOptions"):
        decode(b'"x"', ExecConfig)


def test_the_widest_numbers_of_go_are_taken() -> None:
    found = decode(b'{"Memory": 9223372036854775807}', ContainerUpdate)
    assert found.memory == 2**63 - 1
    with pytest.raises(InvalidArgument, match="9223372036854775808"):
        decode(b'{"Memory": 9223372036854775808}', ContainerUpdate)


@pytest.mark.parametrize(
    ("given", "taken"), [("[1]", (1, 0)), ("[1,2,3]", (1, 2)), ("[1,2]", (1, 2))]
)
def test_an_array_of_fixed_length_is_filled_or_cut(given: str, taken: tuple[int, int]) -> None:
    body = f'{{"Cmd": ["x"], "ConsoleSize": {given}}}'.encode()
    assert tuple(decode(body, ExecConfig).console_size or ()) == taken
