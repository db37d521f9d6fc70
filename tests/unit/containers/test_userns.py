"""Who is root in a container: modes, ranges, refusals."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from lading.containers import userns
from lading.containers.userns import IdMap, Mode, Users
from lading.wire.host_config import HostConfig

POOL = [(1_000_000, 200_000)]
REMAP = IdMap([(0, 500_000, 65536)], [(0, 600_000, 65536)])


def choose(
    mode: str, *taken: IdMap, remap: IdMap | None = None, host: HostConfig | None = None
) -> IdMap | None:
    asked = replace(host or HostConfig(), userns_mode=mode)
    return Users(remap, POOL, POOL).choose(asked, taken)


@pytest.mark.parametrize(
    ("text", "mode"),
    [
        ("", Mode("")),
        ("host", Mode("host")),
        ("auto", Mode("auto", 65536)),
        ("auto:size=2000", Mode("auto", 2000)),
        ("private", Mode("private")),
        ("keep-id:uid=7,gid=8", Mode("keep-id", 65536, 7, 8)),
    ],
)
def test_modes_are_understood(text: str, mode: Mode) -> None:
    assert userns.parse(text) == mode


@pytest.mark.parametrize(
    "text",
    ["x", "host:", "auto:size", "auto:size=-1", "auto:uid=3", "auto:size=99999999", "private:a=1",
     "keep-id", "keep-id:uid=0,gid=1", "keep-id:uid=70000,gid=1", "container:abc"],
)  # fmt: skip
def test_nonsense_is_refused(text: str) -> None:
    with pytest.raises(userns.BadUserMode, match="invalid USER mode"):
        userns.parse(text)


def test_without_a_word_containers_have_the_hosts_ids() -> None:
    assert choose("") is None
    assert choose("host", remap=REMAP) is None


def test_remapped_containers_share_the_engines_ids() -> None:
    assert choose("", remap=REMAP) == REMAP
    assert choose("private", remap=REMAP) == REMAP


def test_auto_takes_the_first_range_that_nobody_has() -> None:
    first = choose("auto")
    assert first == IdMap([(0, 1_000_000, 65536)], [(0, 1_000_000, 65536)])
    second = choose("auto:size=10", first)
    assert second == IdMap([(0, 1_065_536, 10)], [(0, 1_065_536, 10)])


def test_what_a_removed_container_had_is_given_again() -> None:
    first, second = choose("auto"), choose("private")
    assert first == second


def test_a_pool_that_is_used_up_is_an_error() -> None:
    taken: list[IdMap] = []
    for _ in range(3):
        found = choose("auto", *taken)
        assert found is not None
        taken.append(found)
    with pytest.raises(userns.PoolExhausted, match="no 65536 free ids"):
        choose("auto", *taken)


def test_without_a_pool_the_error_says_which_line_is_missing() -> None:
    with pytest.raises(userns.NoPool, match=r"lading:1000000:16777216.*/etc/subuid"):
        Users(None, [], []).choose(HostConfig(userns_mode="auto"), [])


def test_two_that_are_created_at_once_get_different_ids() -> None:
    users = Users(None, POOL, POOL)
    host = HostConfig(userns_mode="auto")
    with users.chosen(host, [], []) as first, users.chosen(host, [], []) as second:
        assert first is not None
        assert second is not None
        assert first.uids[0][1] != second.uids[0][1]
    with users.chosen(host, [], []) as again:
        assert again == first


def test_who_joins_a_containers_namespaces_has_its_ids() -> None:
    users = Users(None, POOL, POOL)
    with users.chosen(HostConfig(userns_mode="auto"), [], [REMAP]) as ids:
        assert ids == REMAP
    with users.chosen(HostConfig(), [], [REMAP]) as ids:
        assert ids is None


def test_kept_ids_are_the_same_inside_and_outside() -> None:
    ids = choose("keep-id:uid=1000,gid=100")
    assert ids is not None
    assert userns.outside(ids.uids, 1000) == 1000
    assert userns.outside(ids.gids, 100) == 100
    assert userns.outside(ids.uids, 1001) == 1_001_001
    assert sum(count for _, _, count in ids.uids) == 65536


@pytest.mark.parametrize(
    ("host", "error"),
    [
        (HostConfig(privileged=True), userns.Privileged),
        (HostConfig(network_mode="host"), userns.SharesNetwork),
        (HostConfig(pid_mode="host"), userns.SharesPids),
    ],
)
def test_what_root_of_a_user_namespace_may_not_is_refused(
    host: HostConfig, error: type[Exception]
) -> None:
    with pytest.raises(error):
        choose("", remap=REMAP, host=host)
    assert choose("host", remap=REMAP, host=host) is None
    assert choose("", host=host) is None


def test_who_is_not_mapped_is_nobody() -> None:
    assert userns.inside(REMAP.uids, 0) == userns.OVERFLOW
    assert userns.inside(REMAP.uids, 500_007) == 7
    assert REMAP.root == (500_000, 600_000)


RANGES = st.lists(st.tuples(st.integers(1, 300), st.integers(1, 60)), max_size=8)


@given(st.integers(1, 80), RANGES, RANGES)
def test_a_gap_is_in_the_pool_and_free_and_missed_only_if_there_is_none(
    size: int, pool: list[tuple[int, int]], taken: list[tuple[int, int]]
) -> None:
    used = {number for first, count in taken for number in range(first, first + count)}
    found = userns.first_gap(size, pool, taken)
    fitting = [
        at
        for first, count in pool
        for at in range(first, first + count - size + 1)
        if not used.intersection(range(at, at + size))
    ]
    assert (found in fitting) if fitting else found is None
