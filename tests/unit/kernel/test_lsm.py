"""The profile of the next execve; by real files in tests/guest."""

import errno
import os
from pathlib import Path

import pytest

from lading.kernel import lsm, safepath


class Attributes:
    """A directory in place of /proc; AppArmor's own files are there since Linux 5.8."""

    def __init__(self, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.place = place
        (place / "self/attr").mkdir(parents=True)
        (place / "self/attr/exec").touch()
        monkeypatch.setattr(safepath, "proc_open", lambda path, flags: os.open(place / path, flags))

    def text(self, name: str) -> str:
        return (self.place / "self/attr" / name).read_text()


@pytest.fixture
def attributes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Attributes:
    return Attributes(tmp_path, monkeypatch)


def test_the_modules_own_file_is_written_where_there_is_one(attributes: Attributes) -> None:
    (attributes.place / "self/attr/apparmor").mkdir()
    (attributes.place / "self/attr/apparmor/exec").touch()
    lsm.set_apparmor_on_exec("box")
    assert (attributes.text("apparmor/exec"), attributes.text("exec")) == ("exec box", "")


def test_older_kernels_have_one_file_for_all_modules(attributes: Attributes) -> None:
    lsm.set_apparmor_on_exec("box")
    assert attributes.text("exec") == "exec box"


def test_a_profile_that_is_not_loaded_is_told_by_name(
    attributes: Attributes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> int:
        raise FileNotFoundError(errno.ENOENT, "No such file or directory")

    monkeypatch.setattr(os, "write", refuse)
    with pytest.raises(lsm.ProfileMissing, match="apparmor failed to apply profile: box is not"):
        lsm.set_apparmor_on_exec("box")
