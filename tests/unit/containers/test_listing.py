"""Which containers `ps` shows."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

import pytest

from lading.containers import listing
from lading.containers.container import Container
from lading.containers.record import ContainerRecord, ContainerState, NoSuchContainer
from lading.wire.containers import ContainerConfig
from lading.wire.host_config import HostConfig, RestartPolicy

MakeRecord = Callable[..., ContainerRecord]
T = TypeVar("T")
SECOND = 1_000_000_000
RUNNING = ContainerState(status="running", pid=7, started_ns=SECOND)
EXITED = ContainerState(status="exited", exit_code=3, started_ns=SECOND, finished_ns=2 * SECOND)


def with_loop(work: Callable[[], T]) -> T:
    """A live container exists on an event loop only."""

    async def main() -> T:
        return work()

    return asyncio.run(main())


def shown(
    records: list[ContainerRecord],
    filters: dict[str, list[str]] | None = None,
    *,
    all: bool = True,
    limit: int | None = None,
) -> list[str]:
    """The names that `ps` shows."""

    def choose() -> list[str]:
        containers = [Container(record) for record in records]

        def find(ref: str) -> Container:
            for container in containers:
                if container.record.name == ref:
                    return container
            raise NoSuchContainer(ref)

        chosen = listing.choose(containers, all=all, limit=limit, filters=filters or {}, find=find)
        return [container.record.name for container in chosen]

    return with_loop(choose)


@pytest.fixture
def three(make_record: MakeRecord) -> list[ContainerRecord]:
    return [
        make_record("a", name="old", created_ns=1, state=EXITED),
        make_record("b", name="mid", created_ns=2, state=RUNNING),
        make_record("c", name="new", created_ns=3),
    ]


def test_running_ones_are_shown_unless_all_are_asked(three: list[ContainerRecord]) -> None:
    assert shown(three, all=False) == ["mid"]


def test_newest_come_first(three: list[ContainerRecord]) -> None:
    assert shown(three) == ["new", "mid", "old"]


def test_a_limit_takes_the_newest_whatever_their_state(three: list[ContainerRecord]) -> None:
    assert shown(three, all=False, limit=2) == ["new", "mid"]


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        ({"status": ["exited"]}, ["old"]),
        ({"status": ["exited", "created"]}, ["new", "old"]),
        ({"exited": ["3"]}, ["old"]),
        ({"exited": ["0"]}, []),
    ],
)
def test_asking_for_a_state_implies_all(
    three: list[ContainerRecord], filters: dict[str, list[str]], names: list[str]
) -> None:
    assert shown(three, filters, all=False) == names


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        ({"id": ["bbb"]}, ["mid"]),
        ({"id": ["bb", "cc"]}, ["new", "mid"]),
        ({"name": ["^m"]}, ["mid"]),
        ({"name": ["/old"]}, ["old"]),
        ({"name": ["["]}, []),
        ({"name": ["[", "mid"]}, ["mid"]),
        ({"since": ["old"]}, ["new", "mid"]),
        ({"before": ["new"], "since": ["old"]}, ["mid"]),
        ({"ancestor": ["base"]}, ["new", "mid", "old"]),
        ({"ancestor": ["base:latest"]}, ["new", "mid", "old"]),
        ({"ancestor": ["sha256:eee"]}, ["new", "mid", "old"]),
        ({"ancestor": ["other"]}, []),
        ({"is-task": ["true"]}, []),
        ({"health": ["none"]}, ["new", "mid", "old"]),
        ({"status": ["running"], "name": ["old"]}, []),
    ],
)
def test_a_filter_chooses(
    three: list[ContainerRecord], filters: dict[str, list[str]], names: list[str]
) -> None:
    assert shown(three, filters) == names


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        (["tier"], ["one", "two"]),
        (["tier=web"], ["one"]),
        (["tier", "zone=1"], ["two"]),
        (["tier=web", "zone=1"], []),
        (["absent"], []),
        (["tier="], []),
    ],
)
def test_all_labels_must_hold(make_record: MakeRecord, labels: list[str], names: list[str]) -> None:
    one = make_record("a", name="one", config=ContainerConfig(labels={"tier": "web"}))
    two = make_record("b", name="two", config=ContainerConfig(labels={"tier": "db", "zone": "1"}))
    assert sorted(shown([one, two], {"label": labels})) == names


@pytest.mark.parametrize(
    "filters",
    [
        {"volume": ["/dst"]},
        {"volume": ["/src"]},
        {"network": ["none"]},
        {"restart": ["always"]},
    ],
)
def test_what_of_the_host_it_has_can_be_asked_for(
    make_record: MakeRecord, filters: dict[str, list[str]]
) -> None:
    host = HostConfig(
        binds=["/src:/dst"], network_mode="none", restart_policy=RestartPolicy(name="always")
    )
    records = [make_record("a", name="with", host=host), make_record("b", name="without")]
    assert shown(records, filters) == ["with"]


def test_a_state_that_is_none_is_refused(three: list[ContainerRecord]) -> None:
    with pytest.raises(listing.BadStatusFilter, match="invalid filter 'status=asleep'"):
        shown(three, {"status": ["asleep"]})


def test_an_exit_code_that_is_no_number_is_refused(three: list[ContainerRecord]) -> None:
    with pytest.raises(listing.BadExitedFilter, match="invalid filter 'exited=x'"):
        shown(three, {"exited": ["x"]})


def test_a_neighbour_in_time_must_exist(three: list[ContainerRecord]) -> None:
    with pytest.raises(NoSuchContainer):
        shown(three, {"since": ["absent"]})
