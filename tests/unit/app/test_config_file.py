"""The configuration file: dockerd's keys, and its words for what is wrong with them."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from lading.app import ladingd

WriteConfig = Callable[[object], str]
MERGED = "merged configuration validation from file and command line flags failed: "


@pytest.fixture
def write_config(tmp_path: Path) -> WriteConfig:
    def write(document: object) -> str:
        path = tmp_path / "ladingd.json"
        path.write_text(document if isinstance(document, str) else json.dumps(document))
        return str(path)

    return write


def settings(path: str, *words: str) -> dict[str, object]:
    given = ladingd.settings(["--config-file", path, *words])
    return {name: value for name, value in given.items() if name != "config_file"}


def test_the_file_has_the_names_of_the_flags(write_config: WriteConfig) -> None:
    path = write_config({"data-root": "/d", "debug": True, "bip": "10.9.0.1/24", "mtu": 1400})
    assert settings(path, "-l", "warn") == {
        "data_root": "/d",
        "debug": True,
        "bip": "10.9.0.1/24",
        "mtu": 1400,
        "log_level": "warn",
    }


@pytest.mark.parametrize(
    ("plural", "name"),
    [
        ("hosts", "host"),
        ("registry-mirrors", "registry_mirror"),
        ("insecure-registries", "insecure_registry"),
    ],
)
def test_lists_are_plural_as_dockerds(write_config: WriteConfig, plural: str, name: str) -> None:
    assert settings(write_config({plural: ["http://x"]})) == {name: ["http://x"]}


def test_objects_and_proxies_are_taken(write_config: WriteConfig) -> None:
    document = {
        "log-opts": {"max-size": "1m"},
        "features": {"buildkit": True},
        "proxies": {"http-proxy": "http://p"},
    }
    assert settings(write_config(document)) == {
        "log_opt": {"max-size": "1m"},
        "feature": {"buildkit": True},
        "http_proxy": "http://p",
    }


def test_an_empty_file_says_nothing(write_config: WriteConfig) -> None:
    assert settings(write_config("")) == {}


def test_what_only_dockerd_knows_is_taken_and_told(write_config: WriteConfig) -> None:
    given = settings(write_config({"experimental": True, "cdi-spec-dirs": ["/x"]}))
    assert given == {"without_effect": ["cdi-spec-dirs", "experimental"]}


def test_objects_about_containers_become_words(write_config: WriteConfig) -> None:
    document = {
        "default-ulimits": {"nofile": {"Name": "nofile", "Soft": 1, "hard": 2}, "core": {}},
        "runtimes": {"kata": {"path": "/x"}},
        "host-gateway-ip": "10.1.1.1",
        "no-new-privileges": True,
        "dns": ["9.9.9.9"],
    }
    assert settings(write_config(document)) == {
        "default_ulimit": ["nofile=1:2", "core=0:0"],
        "add_runtime": ["kata=/x"],
        "host_gateway_ip": ["10.1.1.1"],
        "no_new_privileges": True,
        "dns": ["9.9.9.9"],
    }


REFUSED: list[tuple[object, list[str], str]] = [
    ({"zz": 1, "bogus": {}}, [],
     "the following directives don't match any configuration option: bogus, zz"),
    ({"hosts": ["unix:///x"]}, ["-H", "unix:///y"],
     "the following directives are specified both as a flag and in the configuration file: "
     "hosts: (from flag: [unix:///y], from file: [unix:///x])"),
    ({"log-driver": "json-file"}, ["--log-driver", "local"],
     "the following directives are specified both as a flag and in the configuration file: "
     "log-driver: (from flag: local, from file: json-file)"),
    ({"debug": "x"}, [],
     "invalid JSON: json: cannot unmarshal string into Go struct field Config.debug of type bool"),
    ({"mtu": "1500"}, [],
     "invalid JSON: json: cannot unmarshal string into Go struct field Config.mtu of type int"),
    ({"log-opts": {"max-size": 1}}, [],
     "invalid JSON: json: cannot unmarshal number into Go struct field "
     "Config.log-opts.max-size of type string"),
    ([], [],
     "invalid JSON: json: cannot unmarshal array into Go value of type map[string]interface {}"),
    ({"log-level": "zz"}, [], MERGED + "invalid logging level: zz"),
    ({"labels": ["a"]}, [], MERGED + "bad attribute format: a"),
    ({"labels": ["a=b", "a=c"]}, [], "conflict labels for a=c and a=b"),
    ({"registry-mirrors": ["bad"]}, [],
     MERGED + 'invalid mirror: no scheme specified for "bad": must use either '
     "'https://' or 'http://'"),
    ({"registry-mirrors": ["http://x/p?q"]}, [],
     MERGED + 'invalid mirror: query or fragment at end of the URI "http://x/p?q"'),
    ({"max-concurrent-downloads": -1}, [], MERGED + "invalid max concurrent downloads: -1"),
    ({"mtu": -5}, [], MERGED + "invalid default MTU: -5"),
    ({"exec-opts": ["zz"]}, [],
     MERGED + "invalid exec-opt (zz): must be formatted 'opt=value'"),
    ({"default-ipc-mode": "host"}, [],
     MERGED + 'IPC mode "host" is not supported as default value; use "shareable" or "private"'),
    ({"default-ulimits": {"nofile": "1:2"}}, [],
     "invalid JSON: json: cannot unmarshal string into Go struct field "
     "Config.default-ulimits.nofile of type units.Ulimit"),
    ({"runtimes": ["kata"]}, [],
     "invalid JSON: json: cannot unmarshal array into Go struct field "
     "Config.runtimes of type map[string]system.Runtime"),
    ({"init": "yes"}, [],
     "invalid JSON: json: cannot unmarshal string into Go struct field Config.init of type bool"),
]  # fmt: skip


@pytest.mark.parametrize(("document", "words", "text"), REFUSED, ids=str)
def test_what_is_wrong_is_told_as_dockerd_28_does(
    write_config: WriteConfig, document: object, words: list[str], text: str
) -> None:
    path = write_config(document)
    with pytest.raises(SystemExit) as caught:
        settings(path, *words)
    expected = f"unable to configure the Docker daemon with file {path}: {text}"
    assert str(caught.value) == expected


def test_no_json_is_told(write_config: WriteConfig) -> None:
    with pytest.raises(SystemExit, match="invalid JSON: "):
        settings(write_config("{"))


def test_a_file_that_is_missing_is_told(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"open .*absent: No such file or directory"):
        settings(str(tmp_path / "absent"))


def test_a_flag_that_cannot_be_is_refused_too() -> None:
    with pytest.raises(SystemExit, match="invalid logging level: zz"):
        ladingd.settings(["-l", "zz"])
