"""What is refused before a log is opened or a client attached; the rest is seen in tests/e2e."""

import asyncio
from typing import cast

import pytest
from tests.unit.containers.conftest import MakeRecord

from lading.containers.container import Container
from lading.containers.context import Context
from lading.containers.record import ContainerState, NotRunning
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

LOGS = LogsAsked(True, True, 0, 0, None, False, False, False)
ATTACH = AttachAsked(frozenset([1]), replay=False, live=True, stdin=False)


@pytest.fixture
def noted() -> list[str]:
    return []


@pytest.fixture
def streaming(noted: list[str]) -> Streaming:
    """One without services: what is refused asks none."""
    return Streaming(cast("Context", None), note=lambda _, event: noted.append(event))


def test_a_log_of_no_stream_is_refused(streaming: Streaming, make_record: MakeRecord) -> None:
    with pytest.raises(NoStreams):
        streaming.logs(Container(make_record()), LOGS._replace(stdout=False, stderr=False))


def test_a_log_that_was_not_kept_cannot_be_read(
    streaming: Streaming, make_record: MakeRecord
) -> None:
    host = HostConfig(log_config=LogConfig(type="none"))
    with pytest.raises(NotReadable):
        streaming.logs(Container(make_record(host=host)), LOGS)


@pytest.mark.parametrize(
    ("status", "error"), [("paused", PausedAttach), ("restarting", RestartingAttach)]
)
def test_nobody_is_attached_to_what_does_not_go_on(
    streaming: Streaming,
    make_record: MakeRecord,
    noted: list[str],
    status: str,
    error: type[Exception],
) -> None:
    container = Container(make_record(state=ContainerState(status=status)))
    with pytest.raises(error, match="web"):
        asyncio.run(streaming.attach(container, "web", ATTACH))
    assert noted == []


def test_a_terminal_that_is_not_there_has_no_size(
    streaming: Streaming, make_record: MakeRecord
) -> None:
    with pytest.raises(NotRunning):
        asyncio.run(streaming.resize(Container(make_record()), height=24, width=80))
