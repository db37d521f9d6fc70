"""Clients get, and are heard about, the fields of the version that they speak."""

import msgspec
import pytest

from lading.api.versions import FIELDS, NEWEST, ApiVersion, TooNew, TooOld, fit, negotiate
from lading.wire.containers import ContainerCreate, ContainerSummary
from lading.wire.images import ImageConfigView, ImageInspect
from lading.wire.system import Info


def test_versions_compare_as_numbers() -> None:
    assert ApiVersion.parse("1.9") < ApiVersion.parse("1.24") < ApiVersion.parse("1.41")


def test_a_path_without_a_version_means_the_newest() -> None:
    assert negotiate(None) == NEWEST


def test_the_texts_of_versions_out_of_range() -> None:
    with pytest.raises(TooNew) as new:
        negotiate("1.99")
    assert str(new.value) == (
        "client version 1.99 is too new. Maximum supported API version is 1.51"
    )
    with pytest.raises(TooOld) as old:
        negotiate("1.10")
    assert str(old.value) == (
        "client version 1.10 is too old. Minimum supported API version is 1.24,"
        " please upgrade your client to a newer version"
    )


def fitted(document: object, version: str) -> dict[str, object]:
    plain = msgspec.to_builtins(document)
    result: dict[str, object] = fit(plain, type(document), ApiVersion.parse(version))
    return result


def test_a_field_is_hidden_from_clients_that_do_not_know_it() -> None:
    image = ImageInspect(id="1", size=7, descriptor={"size": 1})
    assert "Descriptor" in fitted(image, "1.48")
    assert "Descriptor" not in fitted(image, "1.47")


def test_a_field_that_is_gone_is_put_back_for_clients_that_want_it() -> None:
    image = ImageInspect(id="1", size=7, config=ImageConfigView(cmd=["sh"]))
    assert "VirtualSize" not in fitted(image, "1.44")
    assert fitted(image, "1.43")["VirtualSize"] == 7
    config = fitted(image, "1.50")["Config"]
    assert isinstance(config, dict)
    assert (config["Cmd"], config["Env"], config["User"]) == (["sh"], None, "")
    assert "Tty" not in config
    assert fitted(image, "1.49")["Config"] == config | {
        "AttachStderr": False, "AttachStdin": False, "AttachStdout": False, "Domainname": "",
        "Hostname": "", "Image": "", "OpenStdin": False, "StdinOnce": False, "Tty": False,
    }  # fmt: skip


def test_old_info_repeats_what_was_expected() -> None:
    info = fitted(Info(id="x"), "1.48")
    assert info["RuncCommit"] == {"ID": "", "Expected": ""}
    assert info["BridgeNfIptables"] is False


def test_every_path_of_the_table_names_a_field_that_the_document_can_have() -> None:
    for kind, fields in FIELDS.items():
        names = {known.encode_name for known in msgspec.structs.fields(kind)}
        for field in fields:
            if field.put_back is msgspec.UNSET:
                assert field.path.split(".")[0] in names, (kind, field)


def test_lists_and_maps_are_walked() -> None:
    plain = {"NetworkSettings": {"Networks": {"a": {"GwPriority": 1}, "b": {"GwPriority": 2}}}}
    old = fit(plain, ContainerSummary, ApiVersion.parse("1.47"))
    assert old == {"NetworkSettings": {"Networks": {"a": {}, "b": {}}}}


def test_what_is_not_there_is_no_obstacle() -> None:
    assert fit({"HostConfig": None}, ContainerCreate, ApiVersion.parse("1.24")) == {
        "HostConfig": None
    }
