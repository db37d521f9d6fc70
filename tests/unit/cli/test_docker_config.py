"""Credentials in config.json, in the file itself and with a helper."""

from __future__ import annotations

import base64
import json
import os
import stat
from pathlib import Path

import pytest

from lading.cli.docker_config import HUB, DockerConfig, header, key_of, registry_of
from lading.cli.failures import Failure

HELPER = """#!/bin/sh
cat > "$STORE/asked-$1"
case $1 in
get) cat "$STORE/answer" 2>/dev/null && exit
    echo "credentials not found in native keychain"; exit 1;;
esac
"""


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"DOCKER_CONFIG": str(tmp_path), "PATH": f"{tmp_path}:{os.environ['PATH']}"}


def write(environ: dict[str, str], document: object) -> Path:
    path = Path(environ["DOCKER_CONFIG"], "config.json")
    path.write_text(json.dumps(document))
    return path


@pytest.mark.parametrize(
    ("typed", "key"),
    [
        ("", HUB),
        ("docker.io", HUB),
        ("https://index.docker.io/v1/", HUB),
        ("host:5000", "host:5000"),
        ("https://host/v2/", "host"),
    ],
)
def test_a_registry_has_one_name_in_the_file(typed: str, key: str) -> None:
    assert key_of(typed) == key


@pytest.mark.parametrize(
    ("reference", "key"),
    [("busybox", HUB), ("a/b:1", HUB), ("localhost/a", "localhost"), ("h:5000/a", "h:5000")],
)
def test_an_image_names_its_registry(reference: str, key: str) -> None:
    assert registry_of(reference) == key


def test_credentials_are_kept_and_forgotten(environ: dict[str, str]) -> None:
    path = write(environ, {"auths": {}, "psFormat": "kept"})
    auth = {"username": "me", "password": "a:b", "serveraddress": "h:5000"}
    assert DockerConfig(environ).keep("h:5000", auth) == str(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    entry = json.loads(path.read_text())["auths"]["h:5000"]
    assert base64.b64decode(entry["auth"]) == b"me:a:b"
    assert DockerConfig(environ).credentials("h:5000") == auth
    assert DockerConfig(environ).forget("h:5000")
    assert json.loads(path.read_text()) == {"auths": {}, "psFormat": "kept"}
    assert not DockerConfig(environ).forget("h:5000")


def test_an_identity_token_is_kept_without_the_password(environ: dict[str, str]) -> None:
    DockerConfig(environ).keep("h", {"username": "me", "password": "", "identitytoken": "t"})
    assert DockerConfig(environ).credentials("h")["identitytoken"] == "t"


def test_old_files_have_urls(environ: dict[str, str]) -> None:
    write(environ, {"auths": {"https://h/v1/": {"auth": base64.b64encode(b"u:p").decode()}}})
    assert DockerConfig(environ).credentials("h")["username"] == "u"


def test_a_helper_has_the_first_word(environ: dict[str, str], tmp_path: Path) -> None:
    helper = tmp_path / "docker-credential-test"
    helper.write_text(HELPER)
    helper.chmod(0o755)
    environ["STORE"] = str(tmp_path)
    write(environ, {"credHelpers": {"h": "test"}})
    assert DockerConfig(environ).credentials("h") == {}
    auth = {"username": "u", "password": "p"}
    assert DockerConfig(environ).keep("h", auth) is None
    stored = json.loads((tmp_path / "asked-store").read_text())
    assert stored == {"ServerURL": "h", "Username": "u", "Secret": "p"}
    (tmp_path / "answer").write_text('{"Username": "<token>", "Secret": "t"}')
    assert DockerConfig(environ).credentials("h")["identitytoken"] == "t"
    assert DockerConfig(environ).forget("h")
    assert (tmp_path / "asked-erase").read_text() == "h"


def test_a_missing_helper_is_told(environ: dict[str, str]) -> None:
    write(environ, {"credsStore": "none-such"})
    with pytest.raises(Failure, match="docker-credential-none-such"):
        DockerConfig(environ).credentials("h")


def test_the_header_is_base64url() -> None:
    value = header({"password": "?>?>~~~"})["X-Registry-Auth"]
    assert json.loads(base64.urlsafe_b64decode(value)) == {"password": "?>?>~~~"}
