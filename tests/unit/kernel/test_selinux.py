"""The policy's labels, and relabelling, with real extended attributes."""

import os
from pathlib import Path

import pytest

from lading.kernel import selinux

LABEL = "system_u:object_r:container_file_t:s0:c1,c2"


def label_of(path: Path) -> str:
    value = os.getxattr(path, selinux.ATTRIBUTE, follow_symlinks=False)
    return value.rstrip(b"\0").decode()


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "data"
    (root / "a/b").mkdir(parents=True)
    (root / "a/b/file").write_text("x")
    (tmp_path / "outside").write_text("x")
    (root / "a/link").symlink_to("../../outside")
    try:
        os.setxattr(root, selinux.ATTRIBUTE, b"x")
    except OSError as error:
        pytest.skip(f"this file system takes no label: {error}")
    return root


def test_a_whole_tree_gets_the_label(tree: Path) -> None:
    selinux.relabel(str(tree), LABEL)
    for name in ("", "a", "a/b", "a/b/file", "a/link"):
        assert label_of(tree / name) == LABEL
    with pytest.raises(OSError, match="No data available"):
        label_of(tree.parent / "outside")


def test_a_single_file_gets_it_too(tree: Path) -> None:
    selinux.relabel(str(tree / "a/b/file"), LABEL)
    assert label_of(tree / "a/b/file") == LABEL
    with pytest.raises(OSError, match="No data available"):
        label_of(tree / "a")


@pytest.mark.parametrize("path", ["/", "/etc", "/usr/", "/var/../home"])
def test_the_hosts_own_directories_are_left_alone(path: str) -> None:
    with pytest.raises(selinux.NotAllowed, match="relabeling of"):
        selinux.relabel(path, LABEL)


def test_what_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(selinux.RelabelFailed, match="error setting label on mount source"):
        selinux.relabel(str(tmp_path / "nothing"), LABEL)


def test_the_labels_are_those_of_the_policy_in_use(tmp_path: Path) -> None:
    (tmp_path / "config").write_text("# which\nSELINUX=enforcing\nSELINUXTYPE=mls\n")
    (tmp_path / "mls/contexts").mkdir(parents=True)
    (tmp_path / "mls/contexts/lxc_contexts").write_text(
        'process = "u:r:p_t:s0"\nfile = "u:r:f_t:s0"\n'
    )
    found = selinux.container_labels(str(tmp_path / "config"), str(tmp_path))
    assert found == ("u:r:p_t:s0", "u:r:f_t:s0")
    assert selinux.container_labels("/nowhere", "/nowhere") == ("", "")
