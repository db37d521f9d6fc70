"""Keeps the logs of containers on their way to the sinks that their drivers name.

One task per run, of nobody's concern: a start, stop or removal never waits for it. What had not
arrived when the container ended, or the engine, goes on with the next run, or the next engine.
"""

import asyncio
from contextlib import suppress

from lading.containers import logging
from lading.containers.container import Container, Run
from lading.containers.context import Context
from lading.errors import LadingError
from lading.logs import driver
from lading.logs.shipment import Shipment

PROGRESS = "log.progress"  # beside the log
STUCK_S = 1.0  # how long a removed container's last lines may take


async def ship(context: Context, container: Container, run: Run) -> None:
    """Deliver the log for as long as the run lasts, and what is left of it then."""
    try:
        plan = logging.plan_of(container.record)
    except LadingError:
        return
    if not plan.sink:
        return
    files = context.layout.files(container.id)
    place = driver.Place(
        logging.source_of(container.record),
        files,
        container.record.host_config.log_config.config or {},
        plan.attributes,
    )
    shipment = Shipment(
        context.layout.log(container.id),
        f"{files}/{PROGRESS}",
        lambda: driver.find(plan.sink).open(place),
        max_lag=plan.max_lag,
        name=f"container {container.record.name}, log driver {plan.sink}",
    )
    await run.hold_log(shipment)
    delivery = asyncio.get_running_loop().create_task(shipment.run(run))
    try:
        while not delivery.done() and not container.is_removed:
            changed = asyncio.ensure_future(container.wait_change())
            await asyncio.wait({delivery, changed}, return_when=asyncio.FIRST_COMPLETED)
            changed.cancel()
        await asyncio.wait({delivery}, timeout=STUCK_S)
    finally:
        delivery.cancel()
        with suppress(asyncio.CancelledError):
            await delivery
