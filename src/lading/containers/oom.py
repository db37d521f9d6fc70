"""Tells, while it happens, that the kernel killed in a container for want of memory.

Not every such kill ends the container: a child may be the victim. Only containers with a limit of
their own are watched; the exit of the others tells of it afterwards.
"""

import asyncio

from lading.containers.container import Container, Run
from lading.containers.context import Context
from lading.errors import LadingError
from lading.kernel.cgroup import Cgroup


async def watch(context: Context, container: Container, run: Run) -> None:
    """Journal `oom` when it happens, until the run has ended."""
    if not container.record.host_config.memory:
        return
    try:
        events = Cgroup(context.layout.cgroup(container.id)).oom_events()
    except (LadingError, OSError):  # no memory controller, or it has ended already
        return
    loop = asyncio.get_running_loop()
    news = asyncio.Event()
    loop.add_reader(events.fileno(), news.set)
    run.ended.add_done_callback(lambda _: news.set())
    try:
        while not run.has_ended:
            await news.wait()
            news.clear()
            if events.read() and not run.has_ended:
                run.is_oom_told = True
                await context.publish(container, "oom")
    except OSError:  # the group has gone
        return
    finally:
        loop.remove_reader(events.fileno())
        events.close()
