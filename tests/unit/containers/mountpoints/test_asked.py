"""-v and --mount become records of mounts, by Docker's rules and in dockerd's words."""

import pytest

from lading.containers.mountpoints import asked
from lading.containers.mountpoints.record import MountRecord
from lading.errors import InvalidArgument
from lading.wire.mounts import (
    BindOptions,
    ImageOptions,
    Mount,
    TmpfsOptions,
    VolumeDriver,
    VolumeOptions,
)


def one(text: str) -> MountRecord:
    return asked.from_text(text).mount


def from_mount(**fields: object) -> MountRecord:
    mount = Mount(**fields)  # type: ignore[arg-type]
    return asked.from_mount(mount, exists=lambda path: path == "/here").mount


def test_a_path_is_a_bind_that_makes_its_source() -> None:
    expected = MountRecord("bind", "/dst", source="/src", propagation="rprivate", makes_source=True)
    assert one("/src:/dst") == expected


def test_a_name_is_a_volume_that_is_filled() -> None:
    assert one("data:/dst") == MountRecord("volume", "/dst", name="data", mode="z", copies=True)


def test_a_place_alone_is_an_anonymous_volume() -> None:
    found = one("/dst")
    assert (found.type, found.name, found.is_anonymous) == ("volume", "", True)


def test_words_after_the_second_colon_are_told_as_they_were_written() -> None:
    found = one("data:/dst:ro,nocopy")
    assert (found.is_read_only, found.copies, found.mode) == (True, False, "ro,nocopy")


@pytest.mark.parametrize("word", ["private", "rslave", "shared"])
def test_propagation_is_what_was_said(word: str) -> None:
    assert one(f"/src:/dst:ro,{word}").propagation == word


def test_destinations_are_normal_paths() -> None:
    assert one("/src:/a//b/../c/").destination == "/a/c"


def test_owners_of_a_volume_are_options_of_its_driver() -> None:
    wish = asked.from_text("data:/dst:uid=33,gid=44,mode=0750")
    assert wish.options == {"uid": "33", "gid": "44", "mode": "0750"}


def test_owners_of_a_bind_are_mapped() -> None:
    assert one("/src:/dst:uid=33").idmap == "uid=33"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (":", "invalid volume specification: ':'"),
        ("/src:", "invalid volume specification: '/src:'"),
        (":/dst", "invalid volume specification: ':/dst'"),
        ("/a:/b:ro:more", "invalid volume specification: '/a:/b:ro:more'"),
        ("/src:dst", "invalid mount path: 'dst' mount path must be absolute"),
        ("/src:/", "destination can't be '/'"),
        ("/src:/a/..", "destination can't be '/'"),
        ("dst", "config for type \"volume\": invalid mount path: 'dst'"),
        ("/src:/dst:fast", "invalid mode: fast"),
        ("/src:/dst:ro,rw", "invalid mode: ro,rw"),
        ("/src:/dst:z,Z", "invalid mode: z,Z"),
        ("/src:/dst:slave,shared", "invalid mode: slave,shared"),
        ("/src:/dst:uid=root", "invalid mode: uid=root"),
        ("/src:/dst:mode=9", "invalid mode: mode=9"),
        ("/src:/dst:mode=0700", "invalid mode: mode=0700"),
        ("/src:/dst:idmap=1000", "invalid mode: idmap=1000"),
        ("/src:/dst:idmap=uids=0-1-1", "invalid mode: idmap=uids=0-1-1"),
        ("/src:/dst:nocopy", "field VolumeOptions must not be specified"),
        ("data:/dst:rshared", "field BindOptions must not be specified"),
    ],
)
def test_a_text_without_meaning_is_refused(text: str, message: str) -> None:
    with pytest.raises(InvalidArgument) as raised:
        asked.from_text(text)
    assert message in str(raised.value)


def test_a_mount_of_a_bind() -> None:
    found = from_mount(
        type="bind",
        source="/here",
        target="/dst",
        read_only=True,
        bind_options=BindOptions(propagation="rslave", read_only_non_recursive=True),
    )
    assert found == MountRecord(
        "bind", "/dst", source="/here", is_read_only=True, propagation="rslave", reach="top"
    )


def test_a_mount_of_a_volume_says_how_it_is_made() -> None:
    driver = VolumeDriver(name="local", options={"type": "tmpfs"})
    options = VolumeOptions(labels={"a": "b"}, driver_config=driver, subpath="in/side")
    mount = Mount(type="volume", source="data", target="/dst", volume_options=options)
    wish = asked.from_mount(mount)
    assert (wish.options, wish.labels) == ({"type": "tmpfs"}, {"a": "b"})
    assert (wish.mount.subpath, wish.mount.copies) == ("in/side", False)


def test_a_tmpfs_has_its_options_as_words() -> None:
    options = TmpfsOptions(size_bytes=4096, mode=0o1777, options=[["exec"]])
    found = from_mount(type="tmpfs", target="/dst", tmpfs_options=options)
    expected = ("noexec", "nosuid", "nodev", "mode=1777", "size=4096", "exec")
    assert found.options == expected


def test_an_image_is_read_only() -> None:
    found = from_mount(
        type="image", source="base", target="/dst", image_options=ImageOptions(subpath="etc")
    )
    assert (found.is_read_only, found.source, found.subpath) == (True, "base", "etc")


BIND = {"type": "bind", "source": "/here", "target": "/dst"}
VOLUME = {"type": "volume", "source": "data", "target": "/dst"}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, 'invalid mount config for type "": field Target must not be empty'),
        ({"type": "x", "source": "y", "target": "/dst"}, 'for type "x": mount type unknown'),
        (BIND | {"target": "/"}, "destination can't be '/'"),
        (BIND | {"target": "dst"}, "'dst' mount path must be absolute"),
        (BIND | {"source": ""}, "field Source must not be empty"),
        (BIND | {"source": "here"}, "'here' mount path must be absolute"),
        (BIND | {"source": "/gone"}, "bind source path does not exist: /gone"),
        (BIND | {"bind_options": BindOptions(propagation="up")}, "invalid propagation mode: up"),
        (
            BIND | {"volume_options": VolumeOptions()},
            'VolumeOptions must not be specified on mount type "bind"',
        ),
        (
            VOLUME | {"bind_options": BindOptions()},
            'BindOptions must not be specified on mount type "volume"',
        ),
        (VOLUME | {"source": "", "read_only": True}, "must not set ReadOnly mode"),
        (
            VOLUME | {"source": "", "volume_options": VolumeOptions(subpath="a")},
            "must not set Subpath when using anonymous volumes",
        ),
        (VOLUME | {"volume_options": VolumeOptions(subpath="/a")}, "subpath must be a relative"),
        (VOLUME | {"volume_options": VolumeOptions(subpath="a/../..")}, "subpath must be a rel"),
        ({"type": "tmpfs", "source": "x", "target": "/d"}, "field Source must not be specified"),
        (
            {"type": "tmpfs", "target": "/d", "tmpfs_options": TmpfsOptions(options=[["uid"]])},
            "invalid option: uid",
        ),
        ({"type": "image", "target": "/d"}, "field Source must not be empty"),
    ],
)
def test_a_mount_without_meaning_is_refused(fields: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidArgument) as raised:
        from_mount(**fields)
    assert message in str(raised.value)


def test_a_source_that_may_be_made_need_not_be_there() -> None:
    options = BindOptions(create_mountpoint=True)
    found = from_mount(type="bind", source="/gone", target="/dst", bind_options=options)
    assert found.makes_source
