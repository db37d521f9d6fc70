"""The audit: what the kernel has of ours against what the records name. `lading system check`.

Every finding is a leak (something without an owner) or a loss (an owner without the thing). On an
engine at rest the list is empty; while operations are in flight it may name what they just made.
A repair takes leaks away; a loss is told, for nobody can bring back what is gone.
"""

import asyncio
import logging
from typing import TYPE_CHECKING

from lading.engine.audit import containers, kernel, ports, storage, volumes
from lading.engine.audit.finding import Finding
from lading.errors import LadingError

if TYPE_CHECKING:
    from lading.engine.engine import Engine

GRACE_S = 1.0  # a create that began between two steps is through them by then
log = logging.getLogger(__name__)


def check(engine: "Engine") -> list[Finding]:
    """Everything that does not fit together, now."""
    known = {c.id: c for c in engine.containers.all()}
    running = {i for i, c in known.items() if c.record.state.is_running}
    owners = known.keys() | engine.damaged.keys()
    return [
        *containers.find(engine, running, set(owners)),
        *ports.find(engine, running),
        *storage.find(engine, set(owners)),
        *volumes.find(engine, running),
        *kernel.find(engine),
    ]


async def repair(engine: "Engine") -> list[Finding]:
    """Take the leaks away; returns what was found and is still there.

    What is found twice, GRACE_S apart, is no work under way. Removals run one after the other in
    the thread of the networks, which some of them need. One that fails is logged, and told.
    """
    before = {finding[:2] for finding in check(engine)}
    await asyncio.sleep(GRACE_S)
    for finding in check(engine):
        if finding.mend is None or finding[:2] not in before:
            continue
        try:
            await engine.context.call_network(finding.mend)
        except (LadingError, OSError) as error:
            log.error("cannot remove %s %s: %s", finding.kind, finding.name, error)
        else:
            log.warning("removed %s %s, %s", finding.kind, finding.name, finding.detail)
    await asyncio.to_thread(engine.snapshots.sweep)
    return check(engine)


__all__ = ["Finding", "check", "repair"]
