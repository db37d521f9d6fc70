"""-v and --mount become binds of the runtime spec, by Docker's rules."""

from pathlib import Path

import pytest

from lading.containers import binds
from lading.containers.oci_spec import Bind
from lading.errors import InvalidArgument
from lading.kernel import selinux
from lading.wire.host_config import HostConfig
from lading.wire.mounts import BindOptions, Mount


def one(text: str) -> Bind:
    [bind] = binds.parse(HostConfig(binds=[text]))
    return bind


def options_of(modes: str) -> tuple[str, ...]:
    return one(f"/src:/dst:{modes}").options


def mounted(source: Path | str, target: str = "/dst", **more: object) -> Bind:
    mount = Mount(type="bind", source=str(source), target=target, **more)  # type: ignore[arg-type]
    [bind] = binds.parse(HostConfig(mounts=[mount]))
    return bind


def test_a_bind_is_writable_recursive_and_private() -> None:
    assert one("/src:/dst") == Bind("/src", "/dst", ("rbind", "rprivate", "rw"))


def test_read_only_is_recursive() -> None:
    assert options_of("ro") == ("rbind", "rprivate", "ro", "rro")


@pytest.mark.parametrize("propagation", sorted(binds.PROPAGATIONS))
def test_propagation_is_what_was_said(propagation: str) -> None:
    assert options_of(f"ro,{propagation}")[1] == propagation


@pytest.mark.parametrize("word", ["z", "Z", "cached", "delegated", "consistent"])
def test_words_for_other_hosts_change_nothing(word: str) -> None:
    assert options_of(word) == options_of("rw")


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("/only", binds.InvalidSpecification),
        (":/dst", binds.InvalidSpecification),
        ("/src:", binds.InvalidSpecification),
        ("/a:/b:ro:more", binds.InvalidSpecification),
        ("/src:relative", binds.NotAbsolute),
        ("/src:/", binds.NotAbsolute),
        ("/src://", binds.NotAbsolute),
        ("/src:/a/..", binds.NotAbsolute),
        ("data:/dst", binds.NamedVolume),
        ("/src:/dst:fast", binds.InvalidMode),
        ("/src:/dst:", binds.InvalidMode),
    ],
)
def test_a_bind_without_meaning_is_refused(text: str, error: type[InvalidArgument]) -> None:
    with pytest.raises(error):
        one(text)


def test_destinations_are_normal_paths() -> None:
    assert one("/src:/a//b/../c/").destination == "/a/c"


def test_outer_mounts_come_before_inner_ones() -> None:
    found = binds.parse(HostConfig(binds=["/1:/a/b/c", "/2:/a", "/3:/a/b"]))
    assert [bind.destination for bind in found] == ["/a", "/a/b", "/a/b/c"]


def test_two_mounts_at_one_place_are_refused() -> None:
    with pytest.raises(binds.DuplicateMount, match="Duplicate mount point: /dst"):
        binds.parse(HostConfig(binds=["/1:/dst", "/2:/dst/"]))


def test_a_mount_is_a_bind_with_its_options(tmp_path: Path) -> None:
    bind = mounted(tmp_path, read_only=True, bind_options=BindOptions(propagation="rslave"))
    assert bind == Bind(str(tmp_path), "/dst", ("rbind", "rslave", "ro", "rro"))


def test_a_mount_needs_its_source(tmp_path: Path) -> None:
    with pytest.raises(binds.MissingSource, match="bind source path does not exist"):
        mounted(tmp_path / "absent")


@pytest.mark.parametrize("kind", ["bind", "tmpfs"])
@pytest.mark.parametrize("target", ["", "relative", "/"])
def test_a_mount_needs_an_absolute_target(tmp_path: Path, kind: str, target: str) -> None:
    mount = Mount(type=kind, source=str(tmp_path), target=target)
    with pytest.raises(binds.InvalidTarget, match=f'mount config for type "{kind}"'):
        binds.parse(HostConfig(mounts=[mount]))


@pytest.mark.parametrize("kind", ["volume", "image", "npipe"])
def test_a_mount_of_a_kind_to_come_is_refused(kind: str) -> None:
    with pytest.raises(binds.UnsupportedMount, match=f'mount type "{kind}"'):
        binds.parse(HostConfig(mounts=[Mount(type=kind, source="x", target="/dst")]))


def test_a_tmpfs_is_no_bind() -> None:
    assert binds.parse(HostConfig(mounts=[Mount(type="tmpfs", target="/dst")])) == []


def test_a_missing_source_of_a_bind_is_made(tmp_path: Path) -> None:
    source = tmp_path / "new/deep"
    binds.make_sources([one(f"{source}:/dst")])
    assert source.is_dir()


def test_a_source_that_is_a_file_stays_one(tmp_path: Path) -> None:
    source = tmp_path / "file"
    source.write_text("kept")
    binds.make_sources([one(f"{source}:/dst")])
    assert source.read_text() == "kept"


def test_volumes_for_all_and_for_one_are_told_apart() -> None:
    assert [one(f"/src:/dst:{mode}").relabel for mode in ("rw", "ro,z", "Z")] == ["", "z", "Z"]


def test_sources_get_the_label_of_the_container_or_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[tuple[str, str]] = []
    monkeypatch.setattr(selinux, "relabel", lambda *words: done.append(words))
    asked = HostConfig(binds=["/a:/a", "/b:/b:z", "/c:/c:ro,Z"])
    binds.relabel(binds.parse(asked), "u:r:file_t:s0:c1,c2")
    assert done == [("/b", "u:r:file_t:s0"), ("/c", "u:r:file_t:s0:c1,c2")]
