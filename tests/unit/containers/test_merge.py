"""Docker's rules for what of the image remains beside what the user said."""

import msgspec
import pytest

from lading.containers.merge import NoCommand, merge
from lading.oci.config import ExecutionConfig
from lading.wire.containers import ContainerConfig

IMAGE = ExecutionConfig(entrypoint=["/entry"], cmd=["default"])


def command_of(asked: ContainerConfig, image: ExecutionConfig) -> list[str]:
    merged = merge(asked, image)
    return [*(merged.entrypoint or []), *(merged.cmd or [])]


def test_the_image_says_what_runs_unless_the_user_does() -> None:
    assert command_of(ContainerConfig(), IMAGE) == ["/entry", "default"]


def test_a_users_command_keeps_the_images_entrypoint() -> None:
    assert command_of(ContainerConfig(cmd=["mine"]), IMAGE) == ["/entry", "mine"]


def test_a_users_entrypoint_clears_the_images_command() -> None:
    assert command_of(ContainerConfig(entrypoint=["/bin/sh"]), IMAGE) == ["/bin/sh"]


def test_an_empty_entrypoint_clears_the_images() -> None:
    assert command_of(ContainerConfig(entrypoint=[""], cmd=["mine"]), IMAGE) == ["mine"]


def test_an_empty_entrypoint_of_the_image_is_none() -> None:
    image = ExecutionConfig(entrypoint=[""], cmd=["default"])
    assert command_of(ContainerConfig(), image) == ["default"]


@pytest.mark.parametrize("asked", [ContainerConfig(), ContainerConfig(entrypoint=[""])])
def test_nothing_to_run_is_refused(asked: ContainerConfig) -> None:
    with pytest.raises(NoCommand, match="no command specified"):
        merge(asked, ExecutionConfig())


def test_a_users_variable_replaces_the_images_of_the_same_name() -> None:
    image = ExecutionConfig(cmd=["x"], env=["PATH=/bin", "LANG=C"])
    assert merge(ContainerConfig(env=["LANG=de", "A=1"]), image).env == [
        "LANG=de",
        "A=1",
        "PATH=/bin",
    ]


def test_a_variable_named_without_value_hides_the_images() -> None:
    image = ExecutionConfig(cmd=["x"], env=["LANG=C"])
    assert merge(ContainerConfig(env=["LANG"]), image).env == ["LANG"]


def test_labels_ports_and_volumes_are_united() -> None:
    image = ExecutionConfig(
        cmd=["x"],
        labels={"a": "image", "b": "image"},
        exposed_ports={"80/tcp": {}},
        volumes={"/v": {}},
    )
    asked = ContainerConfig(labels={"b": "user"}, exposed_ports={"53/udp": {}}, volumes={"/w": {}})
    merged = merge(asked, image)
    assert merged.labels == {"a": "image", "b": "user"}
    assert merged.exposed_ports == {"80/tcp": {}, "53/udp": {}}
    assert merged.volumes == {"/v": {}, "/w": {}}


def test_the_users_word_wins_for_single_values() -> None:
    image = ExecutionConfig(cmd=["x"], user="web", working_dir="/srv", stop_signal="SIGINT")
    asked = ContainerConfig(user="root", working_dir="/tmp", stop_signal="SIGQUIT")
    merged = merge(asked, image)
    assert (merged.user, merged.working_dir, merged.stop_signal) == ("root", "/tmp", "SIGQUIT")


def test_the_images_word_stands_where_the_user_said_nothing() -> None:
    image = ExecutionConfig(cmd=["x"], user="web", working_dir="/srv", stop_signal="SIGINT")
    merged = merge(ContainerConfig(), image)
    assert (merged.user, merged.working_dir, merged.stop_signal) == ("web", "/srv", "SIGINT")


def test_what_nobody_said_is_absent_from_the_document() -> None:
    document = msgspec.to_builtins(merge(ContainerConfig(cmd=["x"]), ExecutionConfig()))
    assert not {"ExposedPorts", "StopSignal"} & document.keys()


def test_what_has_no_rule_stays_as_it_was_asked() -> None:
    asked = ContainerConfig(cmd=["x"], hostname="h", tty=True, image="base")
    merged = merge(asked, ExecutionConfig())
    assert (merged.hostname, merged.tty, merged.image) == ("h", True, "base")
