"""Which containers `ps` shows."""

import asyncio
import re
from collections.abc import Callable
from typing import TypeVar

import pytest

from lading.containers import listing
from lading.containers.container import Container
from lading.containers.listing import Facts, Listing
from lading.containers.record import ContainerRecord, ContainerState, NoSuchContainer
from lading.errors import InvalidArgument
from lading.wire.containers import ContainerConfig, PortSummary
from lading.wire.host_config import HostConfig, RestartPolicy
from lading.wire.mounts import MountPoint

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


def facts(container: Container) -> Facts:
    """What the views would tell of a container."""
    host = container.record.host_config
    return Facts(
        [
            MountPoint(source=text.split(":")[0], destination=text.split(":")[1])
            for text in host.binds or []
        ],
        [
            PortSummary(private_port=80, public_port=8080, type="tcp"),
            PortSummary(private_port=53, type="udp"),
        ]
        if host.binds
        else [],
        frozenset([host.network_mode]),
    )


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

        chosen = listing.choose(
            containers, Listing(all, limit, filters or {}), find=find, facts=facts
        )
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
        {"volume": ["/dst/"]},
        {"network": ["none"]},
        {"publish": ["8080"]},
        {"publish": ["8000-9000/tcp"]},
        {"expose": ["53/udp"]},
        {"expose": ["1", "80"]},
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
    with pytest.raises(listing.BadFilter, match="invalid filter 'status=asleep'"):
        shown(three, {"status": ["asleep"]})


@pytest.mark.parametrize(
    ("filters", "text"),
    [
        ({"exited": ["x"]}, "invalid filter 'exited=x': strconv.Atoi"),
        ({"health": ["ill"]}, "invalid value for health"),
        ({"is-task": ["maybe"]}, "invalid filter 'is-task="),
        ({"publish": ["x"]}, "error while looking up for publish x"),
        ({"expose": ["9-8"]}, "invalid range"),
        ({"publish": ["70000"]}, "looking up for publish"),
    ],
)
def test_a_value_that_means_nothing_is_refused(
    three: list[ContainerRecord], filters: dict[str, list[str]], text: str
) -> None:
    with pytest.raises(InvalidArgument, match=re.escape(text)):
        shown(three, filters)


def test_an_ancestor_may_be_known_by_another_name(three: list[ContainerRecord]) -> None:
    async def chosen() -> list[Container]:
        containers = [Container(record) for record in three]
        asked = Listing(all=True, filters={"ancestor": ["renamed"]})
        images = frozenset([three[0].image_id])
        return listing.choose(
            containers, asked, find=lambda _: containers[0], facts=facts, images=images
        )

    assert len(asyncio.run(chosen())) == 3


def test_a_number_in_a_container_of_published_ports_is_not_an_exposed_one(
    make_record: MakeRecord,
) -> None:
    host = HostConfig(binds=["/src:/dst"])
    assert shown([make_record("a", name="with", host=host)], {"expose": ["8080"]}) == []


def test_a_neighbour_in_time_must_exist(three: list[ContainerRecord]) -> None:
    with pytest.raises(NoSuchContainer):
        shown(three, {"since": ["absent"]})
