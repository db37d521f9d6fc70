"""Bodies are read strictly, then the way Go reads them, and are refused in Go's words."""

import json
from contextlib import suppress

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.errors import InvalidArgument
from lading.wire.base import Asked
from lading.wire.codec import decode, encode
from lading.wire.containers import ContainerConfig, ContainerCreate
from lading.wire.host_config import HostConfig
from lading.wire.networks import NetworkingConfig


def test_keys_match_in_any_case() -> None:
    create = decode(b'{"image": "busybox", "HOSTCONFIG": {"memory": 5}}', ContainerCreate)
    assert create.image == "busybox"
    assert create.host_config == HostConfig(memory=5)


def test_the_exact_spelling_wins_over_a_folded_one() -> None:
    for body in (b'{"image": "a", "Image": "b"}', b'{"Image": "b", "image": "a"}'):
        assert decode(body, ContainerConfig).image == "b"


def test_a_null_leaves_the_zero_value_and_stays_null_where_go_has_null() -> None:
    config = decode(b'{"Tty": null, "Cmd": null, "Shell": null}', ContainerConfig)
    assert config == ContainerConfig()
    assert encode(config) == encode(ContainerConfig())


def test_unknown_keys_mean_nothing() -> None:
    assert decode(b'{"Image": "x", "Invented": [1]}', ContainerConfig).image == "x"


def test_a_command_may_be_one_string() -> None:
    config = decode(b'{"Cmd": "ls", "Entrypoint": "/init"}', ContainerConfig)
    assert (config.cmd, config.entrypoint) == (["ls"], ["/init"])


def test_an_environment_may_not_be_one_string() -> None:
    with pytest.raises(
        InvalidArgument, match=r"struct field ContainerConfig\.Env of type \[\]string"
    ):
        decode(b'{"Env": "A=1"}', ContainerConfig)


def test_null_elements_are_zero_elements() -> None:
    config = decode(b'{"Volumes": {"/a": null}, "Env": [null, "A=1"]}', ContainerConfig)
    assert (config.volumes, config.env) == ({"/a": {}}, ["", "A=1"])


def test_a_null_endpoint_stays_null() -> None:
    config = decode(b'{"EndpointsConfig": {"web": null}, "x": 1}', NetworkingConfig)
    assert config.endpoints_config == {"web": None}


@pytest.mark.parametrize("body", [b"", b"  ", b"null", b"{}"])
def test_nothing_is_the_document_without_fields(body: bytes) -> None:
    assert decode(body, HostConfig) == HostConfig()


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"Memory": "x"}', "invalid JSON: json: cannot unmarshal string into Go struct field"),
        (b'{"Memory": 99999999999999999999}', "cannot unmarshal number 99999999999999999999 into"),
        (b'{"Binds": [1]}', "number into HostConfig\\.Binds\\.0 of type string"),
        (b"[]", "cannot unmarshal array into Go value of type container.HostConfig"),
        (b'{"Memory": 1', "invalid JSON: unexpected EOF"),
        (b'{"Memory": tru}', "invalid JSON: invalid character"),
        (b'{"Dns": "\xff"}', "invalid JSON: "),
        (b"{} {}", "unexpected content after JSON"),
    ],
)
def test_what_does_not_fit_is_the_clients_fault(body: bytes, message: str) -> None:
    with pytest.raises(InvalidArgument, match=message):
        decode(body, HostConfig)


@given(st.binary(max_size=40))
def test_no_body_makes_the_codec_fail_otherwise(body: bytes) -> None:
    with suppress(InvalidArgument):
        decode(body, ContainerCreate)


_TEXT = st.text(max_size=8)
_CREATES = st.builds(
    ContainerCreate,
    image=_TEXT,
    tty=st.booleans(),
    cmd=st.none() | st.lists(_TEXT, max_size=3),
    labels=st.none() | st.dictionaries(_TEXT, _TEXT, max_size=3),
    stop_timeout=st.just(msgspec.UNSET) | st.integers(0, 100),
    host_config=st.none()
    | st.builds(
        HostConfig,
        memory=st.integers(0, 2**40),
        init=st.just(msgspec.UNSET) | st.booleans(),
        pids_limit=st.none() | st.integers(-1, 9),
    ),
)


@given(_CREATES)
def test_what_was_asked_survives_the_round_trip(create: ContainerCreate) -> None:
    assert decode(encode(create), ContainerCreate) == create


@given(_CREATES)
def test_the_lenient_pass_agrees_with_the_strict_one(create: ContainerCreate) -> None:
    stranger = json.loads(encode(create)) | {"Invented": None}
    assert decode(json.dumps(stranger).encode(), ContainerCreate) == create


class _Nested(Asked):
    words: list[list[str]] | None = None


def test_lists_are_folded_at_every_depth() -> None:
    assert decode(b'{"words": [["a"], null]}', _Nested).words == [["a"], []]
