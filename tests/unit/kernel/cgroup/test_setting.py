"""Settings are written in order; what the kernel says is told in runc's words."""

from pathlib import Path

import pytest

from lading.kernel.cgroup import setting
from lading.kernel.cgroup.setting import LimitRefused, LimitUnavailable, Setting


def apply(directory: Path, *settings: Setting) -> list[str]:
    return setting.apply(settings, lambda _: str(directory))


def test_another_file_is_written_where_the_first_is_missing(tmp_path: Path) -> None:
    (tmp_path / "io.weight").write_text("")
    assert apply(tmp_path, Setting("io.bfq.weight", 5, otherwise=Setting("io.weight", 9))) == []
    assert (tmp_path / "io.weight").read_text() == "9"


def test_what_may_be_missing_is_told_only_if_it_matters(tmp_path: Path) -> None:
    settings = (
        Setting("a.quiet", 1, is_optional=True),
        Setting("a.loud", 1, ignored="a is ignored"),
    )
    assert apply(tmp_path, *settings) == ["a is ignored"]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(LimitUnavailable, match=r"cannot set memory\.max: .* controller memory"):
        apply(tmp_path, Setting("memory.max", 1))


@pytest.mark.parametrize("name", ["hugetlb.2MB/../../x.max", "a/b"])
def test_a_name_that_leaves_the_directory_is_not_written(tmp_path: Path, name: str) -> None:
    with pytest.raises(LimitUnavailable):
        apply(tmp_path, Setting(name, 1, is_optional=True))


def test_the_kernels_refusal_names_file_value_and_reason() -> None:
    with pytest.raises(LimitRefused) as caught:  # a file of ours that refuses everything
        apply(Path("/proc/self"), Setting("oom_score_adj", "much"))
    assert str(caught.value) == (
        'failed to write "much": write /proc/self/oom_score_adj: invalid argument'
    )


def test_what_depends_on_others_is_tried_again_after_them(tmp_path: Path) -> None:
    (tmp_path / "b").write_text("")
    with pytest.raises(LimitRefused):  # it is refused for good, but the one behind it was written
        setting.apply(
            (Setting("oom_score_adj", "much", depends=True), Setting("b", 2)),
            lambda controller: str(tmp_path) if controller == "b" else "/proc/self",
        )
    assert (tmp_path / "b").read_text() == "2"
