"""Which engine is meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lading.cli import config, endpoint
from lading.cli.contexts import Store
from lading.cli.endpoint import DEFAULT_HOST
from lading.cli.failures import Failure
from lading.cli.front import FRONT, GlobalFlags
from lading.cli.parser import parse

if TYPE_CHECKING:
    from pathlib import Path


def flags(*words: str) -> GlobalFlags:
    return parse(words, FRONT, GlobalFlags())


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """An environment with the contexts `there` (ours) and `dock` (Docker's)."""
    environ = {"HOME": str(tmp_path)}
    _save({"LADING_CONFIG": config.own_directory(environ)}, "there", "tcp://there:1", b"ca")
    _save({"LADING_CONFIG": config.docker_directory(environ)}, "dock", "tcp://dock:2", b"")
    return environ


def _save(environ: dict[str, str], name: str, host: str, ca: bytes) -> None:
    document = {"Name": name, "Metadata": {}, "Endpoints": {"docker": {"Host": host}}}
    Store(environ).save(document, {"ca": ca} if ca else {})


@pytest.mark.parametrize(
    ("words", "environ", "expected"),
    [
        (("-H", "tcp://a"), {"LADING_HOST": "b", "DOCKER_HOST": "c"}, "tcp://a"),
        ((), {"LADING_HOST": "b", "DOCKER_HOST": "c", "LADING_CONTEXT": "there"}, "b"),
        ((), {"LADING_HOST": "", "DOCKER_HOST": "c"}, "c"),
        ((), {"DOCKER_CONTEXT": "dock"}, "tcp://dock:2"),
        (("-c", "there"), {"LADING_HOST": "b"}, "tcp://there:1"),
        (("-c", "default"), {"LADING_CONTEXT": "there"}, DEFAULT_HOST),
        ((), {}, DEFAULT_HOST),
    ],
)
def test_the_nearest_word_wins(
    words: tuple[str, ...], environ: dict[str, str], expected: str, home: dict[str, str]
) -> None:
    assert endpoint.choose(flags(*words), home | environ).host == expected


def test_what_use_chose_holds_until_something_else_is_said(home: dict[str, str]) -> None:
    config.choose_context(home, "there")
    chosen = endpoint.choose(None, home)
    assert (chosen.host, chosen.context) == ("tcp://there:1", "there")
    assert chosen.tls is not None
    assert chosen.tls.ca.endswith("/docker/ca.pem")
    assert chosen.tls.verify
    assert endpoint.choose(None, home | {"DOCKER_HOST": "x"}).host == "x"
    config.choose_context(home, "")
    assert endpoint.choose(None, home).host == DEFAULT_HOST


def test_a_context_that_is_not_there_and_two_answers_are_refused(home: dict[str, str]) -> None:
    with pytest.raises(Failure, match='context "nope": context not found'):
        endpoint.choose(flags("-c", "nope"), home)
    with pytest.raises(Failure, match="cannot specify both --host and --context"):
        endpoint.choose(flags("-c", "there", "-H", "x"), home)


def test_tls_by_variables_and_by_flags(home: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("")
    environ = home | {"DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": str(tmp_path)}
    tls = endpoint.choose(None, environ).tls
    assert tls is not None
    assert (tls.verify, tls.ca, tls.cert) == (True, f"{tmp_path}/ca.pem", "")
    tls = endpoint.choose(flags("--tls", "--tlscert", "/c", "--tlskey", "/k"), home).tls
    assert tls is not None
    assert (tls.verify, tls.cert, tls.key) == (False, "/c", "/k")
    assert endpoint.choose(None, home).tls is None
