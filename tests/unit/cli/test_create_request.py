"""What the words of `run` mean to the API."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lading.cli.commands.run import COMMAND, RunArguments
from lading.cli.create_request import to_create_request
from lading.cli.failures import FlagError
from lading.cli.parser import parse

if TYPE_CHECKING:
    from lading.sdk.request import Document

FILES = {
    "env": "\ufeffA=1\n# comment\n  B=2 3\nHOME\nMISSING\n\n",
    "labels": "a=b\nc\n",
    "profile": '{ "defaultAction": "SCMP_ACT_ALLOW" }',
}


def meaning(*words: str) -> Document:
    args = parse([*words, "busybox", "true"], COMMAND, RunArguments())
    return to_create_request(args, environ={"HOME": "/root"}, read_text=FILES.__getitem__)


def host(*words: str) -> Document:
    found: Document = meaning(*words)["HostConfig"]
    return found


def test_nothing_asked_is_nothing_said() -> None:
    assert meaning() == {
        "Image": "busybox",
        "Cmd": ["true"],
        "AttachStdin": False,
        "AttachStdout": True,
        "AttachStderr": True,
        "StdinOnce": False,
        "HostConfig": {
            "NetworkMode": "default",
            "RestartPolicy": {"Name": "no", "MaximumRetryCount": 0},
        },
    }


def test_interactive_attaches_stdin_and_closes_it_once() -> None:
    document = meaning("-it")
    assert [document[key] for key in ("Tty", "OpenStdin", "AttachStdin", "StdinOnce")] == [True] * 4


def test_detached_attaches_nothing() -> None:
    document = meaning("-di")
    assert document["OpenStdin"]
    for key in ("AttachStdin", "AttachStdout", "AttachStderr", "StdinOnce"):
        assert document[key] is False


def test_chosen_streams() -> None:
    document = meaning("-i", "-a", "stderr")
    assert (document["AttachStdin"], document["AttachStdout"], document["AttachStderr"]) == (
        False,
        False,
        True,
    )
    assert not document["StdinOnce"]


def test_environment_comes_from_files_first_and_from_the_host() -> None:
    document = meaning("-e", "HOME", "-e", "X=", "-e", "GONE", "--env-file", "env")
    assert document["Env"] == ["A=1", "B=2 3", "HOME=/root", "HOME=/root", "X=", "GONE"]


@pytest.mark.parametrize("words", [("-e", "=x"), ("-e", "")])
def test_a_variable_needs_a_name(words: tuple[str, ...]) -> None:
    with pytest.raises(FlagError, match='for "-e, --env" flag: invalid environment variable'):
        meaning(*words)


def test_a_name_in_a_file_holds_no_blank() -> None:
    FILES["bad"] = "A B=1\n"
    with pytest.raises(ValueError, match="variable 'A B' contains whitespaces"):
        meaning("--env-file", "bad")


def test_labels() -> None:
    assert meaning("--label-file", "labels", "-l", "c=d")["Labels"] == {"a": "b", "c": "d"}


def test_an_empty_entrypoint_clears_the_images() -> None:
    assert "Entrypoint" not in meaning()
    assert meaning("--entrypoint", "")["Entrypoint"] == [""]
    assert meaning("--entrypoint", "sh")["Entrypoint"] == ["sh"]


def test_limits() -> None:
    asked = host("-m", "64m", "--memory-swap", "-1", "--cpus", "1.5", "--pids-limit", "-1")
    assert (asked["Memory"], asked["MemorySwap"]) == (64 << 20, -1)
    assert (asked["NanoCpus"], asked["PidsLimit"]) == (1_500_000_000, -1)


def test_zero_seconds_to_stop_is_not_the_default() -> None:
    assert meaning("--stop-timeout", "0")["StopTimeout"] == 0
    assert "StopTimeout" not in meaning()


def test_init_can_be_refused() -> None:
    assert host("--init")["Init"] is True
    assert host("--init=false")["Init"] is False
    assert "Init" not in host()


def test_networks() -> None:
    document = meaning("--network", "name=web,alias=db", "--network", "back")
    assert document["HostConfig"]["NetworkMode"] == "web"
    assert document["NetworkingConfig"] == {
        "EndpointsConfig": {"web": {"Aliases": ["db"]}, "back": {}}
    }
    assert "NetworkingConfig" not in meaning("--network", "none")
    assert "NetworkingConfig" not in meaning("--network", "container:x")


def test_ports_are_exposed_and_bound() -> None:
    document = meaning("-p", "8080:80", "--expose", "9/udp", "-P")
    assert document["ExposedPorts"] == {"80/tcp": {}, "9/udp": {}}
    assert document["HostConfig"]["PortBindings"] == {
        "80/tcp": [{"HostIp": "", "HostPort": "8080"}]
    }
    assert document["HostConfig"]["PublishAllPorts"]


def test_mounts_of_every_kind() -> None:
    document = meaning(
        "-v", "/a:/b", "-v", "/c", "--tmpfs", "/t:size=1m", "--mount", "type=tmpfs,dst=/m"
    )
    assert document["Volumes"] == {"/c": {}}
    assert document["HostConfig"]["Binds"] == ["/a:/b"]
    assert document["HostConfig"]["Tmpfs"] == {"/t": "size=1m"}
    assert document["HostConfig"]["Mounts"] == [{"Type": "tmpfs", "Target": "/m"}]


def test_security_options() -> None:
    asked = host(
        *("--security-opt", "no-new-privileges", "--security-opt", "label:disable"),
        *("--security-opt", "seccomp=profile", "--security-opt", "systempaths=unconfined"),
    )
    assert asked["SecurityOpt"] == [
        "no-new-privileges",
        "label:disable",
        'seccomp={"defaultAction":"SCMP_ACT_ALLOW"}',
    ]
    assert (asked["MaskedPaths"], asked["ReadonlyPaths"]) == ([], [])
    with pytest.raises(ValueError, match='invalid --security-opt: "nonsense"'):
        host("--security-opt", "nonsense")


def test_capabilities_have_one_spelling() -> None:
    asked = host("--cap-add", "net_admin", "--cap-add", "CAP_NET_ADMIN", "--cap-drop", "all")
    assert (asked["CapAdd"], asked["CapDrop"]) == (["CAP_NET_ADMIN"], ["ALL"])


def test_log_options_and_the_rest() -> None:
    asked = host("--log-driver", "local", "--log-opt", "a=b", "--restart", "on-failure:2", "--rm")
    assert asked["LogConfig"] == {"Type": "local", "Config": {"a": "b"}}
    assert asked["RestartPolicy"] == {"Name": "on-failure", "MaximumRetryCount": 2}
    assert asked["AutoRemove"]
    assert meaning("--no-healthcheck")["Healthcheck"] == {"Test": ["NONE"]}
