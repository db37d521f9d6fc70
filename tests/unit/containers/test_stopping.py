"""Pausing what has just ended; the rest of stopping is seen in tests/e2e."""

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest
from tests.unit.containers.conftest import MakeRecord

from lading.containers.container import Container
from lading.containers.record import ContainerState, NotRunning
from lading.containers.stopping import Stopping
from lading.kernel.cgroup import hierarchies

if TYPE_CHECKING:
    from lading.containers.context import Context
    from lading.containers.lifecycle import Lifecycle


@pytest.mark.skipif(
    not (hierarchies().is_unified() or "freezer" in hierarchies().v1),
    reason="this host freezes nothing",
)
def test_what_ends_while_it_is_paused_does_not_run(make_record: MakeRecord) -> None:
    gone = SimpleNamespace(cgroup=lambda _: "/lading-unit-gone/container")

    async def pause() -> None:
        stopping = Stopping(cast("Context", gone), cast("Lifecycle", None))
        await stopping.pause(Container(make_record(state=ContainerState(status="running"))))

    with pytest.raises(NotRunning):
        asyncio.run(pause())
