"""What is refused before a log is opened or a client attached; the rest is seen in tests/e2e."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, cast

import pytest
from tests.unit.containers.conftest import MakeRecord

from lading.containers.container import Container
from lading.containers.record import ContainerRecord, ContainerState, NotRunning
from lading.containers.streaming import (
    AttachAsked,
    LogsAsked,
    NoStreams,
    PausedAttach,
    RestartingAttach,
    Streaming,
)
from lading.logs.options import NotReadable
from lading.wire.host_config import HostConfig, LogConfig

if TYPE_CHECKING:
    from lading.containers.context import Context

LOGS = LogsAsked(True, True, 0, 0, None, False, False, False)
ATTACH = AttachAsked(frozenset([1]), replay=False, live=True, stdin=False)


def asked(
    record: ContainerRecord, verb: Callable[[Streaming, Container], Awaitable[object]]
) -> None:
    """Ask one without services: what is refused needs none, and notes no event."""
    noted: list[str] = []

    async def ask() -> None:
        streaming = Streaming(cast("Context", None), note=lambda _, event: noted.append(event))
        await verb(streaming, Container(record))

    try:
        asyncio.run(ask())
    finally:
        assert noted == []


async def read(streaming: Streaming, container: Container) -> None:
    streaming.logs(container, LOGS)


async def read_nothing(streaming: Streaming, container: Container) -> None:
    streaming.logs(container, LOGS._replace(stdout=False, stderr=False))


def test_a_log_of_no_stream_is_refused(make_record: MakeRecord) -> None:
    with pytest.raises(NoStreams):
        asked(make_record(), read_nothing)


def test_a_log_that_was_not_kept_cannot_be_read(make_record: MakeRecord) -> None:
    host = HostConfig(log_config=LogConfig(type="none"))
    with pytest.raises(NotReadable):
        asked(make_record(host=host), read)


@pytest.mark.parametrize(
    ("status", "error"), [("paused", PausedAttach), ("restarting", RestartingAttach)]
)
def test_nobody_is_attached_to_what_does_not_go_on(
    make_record: MakeRecord, status: str, error: type[Exception]
) -> None:
    record = make_record(state=ContainerState(status=status))
    with pytest.raises(error, match="container web is"):
        asked(record, lambda streaming, container: streaming.attach(container, "web", ATTACH))


def test_a_terminal_that_is_not_there_has_no_size(make_record: MakeRecord) -> None:
    with pytest.raises(NotRunning):
        asked(make_record(), lambda streaming, box: streaming.resize(box, height=24, width=80))
