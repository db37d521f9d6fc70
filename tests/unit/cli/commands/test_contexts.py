"""The context group, from the first to the last command."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from lading.cli import dispatch

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)

    def call(*words: str, **environ: str) -> tuple[int, str, str]:
        code = dispatch.main(["context", *words], {"HOME": str(tmp_path), **environ})
        out, err = capfd.readouterr()
        return code, out, err

    return call


def test_a_context_is_made_used_and_removed(run: Run) -> None:
    made = run("create", "there", "--docker", "host=tcp://h:1", "--description", "far away")
    assert made == (0, "there\n", 'Successfully created context "there"\n')
    assert run("create", "there") == (1, "", 'context "there" already exists\n')
    assert run("use", "there")[2] == 'Current context is now "there"\n'
    assert run("show")[1] == "there\n"
    assert run("show", DOCKER_HOST="x")[1] == "default\n"
    assert "overrides the active context" in run("use", "there", DOCKER_HOST="x")[2]
    listed = run("ls")[1].splitlines()
    assert [line.split()[0] for line in listed] == ["NAME", "default", "there"]
    assert "there *" in listed[2]
    assert run("ls", "-q")[1] == "default\nthere\n"
    assert run("inspect", "-f", "{{.Endpoints.docker.Host}} {{.Metadata.Description}}")[1] == (
        "tcp://h:1 far away\n"
    )
    in_use = 'context "there" is in use, set -f flag to force remove\n'
    assert run("rm", "there") == (1, "", in_use)
    assert run("rm", "-f", "there") == (0, "there\n", "")
    assert run("show")[1] == "default\n"
    assert run("rm", "there") == (1, "", 'context "there" does not exist\n')


def test_keys_go_with_a_context(run: Run, tmp_path: Path) -> None:
    for name in ("ca", "cert", "key"):
        (tmp_path / name).write_text(name)
    run("create", "tls", "--docker", "host=tcp://h:1,ca=ca,cert=cert,key=key")
    assert run("create", "copy", "--from", "tls")[0] == 0
    assert run("export", "copy")[2] == 'Written file "copy.dockercontext"\n'
    assert os.stat("copy.dockercontext").st_mode & 0o777 == 0o600
    assert run("import", "back", "copy.dockercontext")[1] == "back\n"
    document = json.loads(run("inspect", "back")[1])[0]
    assert document["TLSMaterial"] == {"docker": ["ca.pem", "cert.pem", "key.pem"]}
    with open(f"{document['Storage']['TLSPath']}/docker/key.pem") as file:
        assert file.read() == "key"
    assert run("update", "back", "--description", "x")[0] == 0
    assert json.loads(run("inspect", "back")[1])[0]["Metadata"] == {"Description": "x"}


def test_contexts_of_docker_are_seen_and_not_touched(run: Run, tmp_path: Path) -> None:
    run("create", "dock", "--docker", "host=tcp://h:1", LADING_CONFIG=f"{tmp_path}/.docker")
    assert "dock" in run("ls", "-q")[1]
    assert "docker context rm" in run("rm", "dock")[2]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("create x", "names are validated against regexp"),
        ("create ../x", "names are validated against regexp"),
        ("create default", '"default" is a reserved context name'),
        ("create xx --docker foo=bar", "unrecognized config key: foo"),
        ("create xx --docker host=foo", "unable to parse docker host `foo`"),
        ("rm default", 'context "default" cannot be removed'),
        ("use nope", 'context "nope": context not found'),
        ("import xx nope", "open nope: no such file or directory"),
    ],
)
def test_what_makes_no_sense_is_refused(words: str, message: str, run: Run) -> None:
    code, out, err = run(*words.split())
    assert (code, out) == (1, "")
    assert message in err
