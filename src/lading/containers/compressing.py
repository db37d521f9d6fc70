"""Compresses the full segments of a running container's log, if its driver's options say so."""

import asyncio

from lading.containers import logging
from lading.containers.container import Container, Run
from lading.containers.context import Context
from lading.errors import LadingError
from lading.logs.compress import compress_full

PERIOD_S = 15.0


async def compress(context: Context, container: Container, run: Run) -> None:
    """Look from time to time while the run lasts, and once after it."""
    try:
        plan = logging.plan_of(container.record)
    except LadingError:
        return
    if not plan.compress:
        return
    directory, is_over = context.layout.log(container.id), False
    while not is_over:
        await asyncio.wait({run.ended}, timeout=PERIOD_S)
        is_over = run.has_ended
        if container.is_removed:
            return
        await asyncio.to_thread(compress_full, directory, is_over=is_over)
