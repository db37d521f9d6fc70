"""Mounts, volumes and tmpfs as Docker's command reads them."""

from __future__ import annotations

import os

import pytest

from lading.cli import mounts


def test_a_bind() -> None:
    assert mounts.parse_mount("type=bind,source=/a,target=/b,readonly") == {
        "Type": "bind",
        "Source": "/a",
        "Target": "/b",
        "ReadOnly": True,
    }


def test_a_bind_with_options() -> None:
    text = "type=bind,src=/a,dst=/b,ro=0,bind-propagation=rslave,bind-recursive=readonly"
    assert mounts.parse_mount(text) == {
        "Type": "bind",
        "Source": "/a",
        "Target": "/b",
        "ReadOnly": False,
        "BindOptions": {"Propagation": "rslave", "ReadOnlyForceRecursive": True},
    }


def test_a_tmpfs() -> None:
    assert mounts.parse_mount("type=tmpfs,dst=/t,tmpfs-size=1m,tmpfs-mode=1777") == {
        "Type": "tmpfs",
        "Target": "/t",
        "TmpfsOptions": {"SizeBytes": 1 << 20, "Mode": 0o1777},
    }


def test_quoted_fields_hold_commas() -> None:
    assert mounts.fields_of('a,"b,c",d""e,"x""y"') == ["a", "b,c", "de", 'x"y']
    assert mounts.parse_mount('type=bind,"src=/a,b",dst=/c')["Source"] == "/a,b"


def test_a_relative_source_is_made_absolute() -> None:
    assert mounts.parse_mount("type=bind,src=./x,dst=/c")["Source"] == os.path.abspath("x")
    assert mounts.split_volumes(["./x:/c", "name:/d"])[0] == [
        f"{os.path.abspath('x')}:/c",
        "name:/d",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("type=bind,dst=/b", "source is required"),
        ("type=bind,src=/a", "target is required"),
        ("type=bind,src=/a,dst=/b,x=y", "unexpected key 'x' in 'x=y'"),
        ("type=bind,src=/a,dst=/b,x", "invalid field 'x' must be a key=value pair"),
        ("type=bind,src=/a,dst=/b,ro=maybe", "invalid value for readonly: maybe"),
        ("type=bind,src=/a,dst=/b,tmpfs-size=1", "cannot mix 'tmpfs-\\*' options"),
        ("type=tmpfs,dst=/t,tmpfs-mode=9", "invalid value for tmpfs-mode: 9"),
    ],
)
def test_mistakes_are_named(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        mounts.parse_mount(text)


def test_volumes_with_a_source_are_binds_and_others_anonymous() -> None:
    binds, anonymous = mounts.split_volumes(["/a:/b:ro", "/data"])
    assert binds == ["/a:/b:ro"]
    assert anonymous == {"/data": {}}


@pytest.mark.parametrize("text", ["", ":/a", "/a:", "/a:/b:ro:x"])
def test_half_a_volume_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="invalid spec"):
        mounts.split_volumes([text])


def test_tmpfs_options() -> None:
    assert mounts.tmpfs(["/run", "/tmp:size=1m,mode=755"]) == {
        "/run": "",
        "/tmp": "size=1m,mode=755",
    }
