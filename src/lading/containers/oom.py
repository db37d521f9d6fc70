"""Tells, while it happens, that the kernel killed in a container for want of memory.

Not every such kill ends the container: a child may be the victim. Only containers with a limit of
their own are watched; the exit of the others tells of it afterwards.
"""

import asyncio

from lading.containers.container import Container, Run
from lading.containers.context import Context
from lading.errors import LadingError
from lading.kernel.cgroup import Cgroup
from lading.kernel.cgroup.oom import OomEvents

COUNTING_S = 0.05  # v1 signals before it kills: how long until the kill is looked for again
COUNTED = 20  # times


async def watch(
    context: Context, container: Container, run: Run, *, is_found: bool = False
) -> None:
    """Journal `oom` when it happens, until the run has ended.

    Of a run that was found, what happened before is not told: another engine may have.
    """
    if not container.record.host_config.memory:
        return
    group = Cgroup(context.cgroup(container))
    try:
        events = group.oom_events()
    except (LadingError, OSError):  # no memory controller, or it has ended already
        return
    loop = asyncio.get_running_loop()
    news = asyncio.Event()
    loop.add_reader(events.fileno(), news.set)
    run.ended.add_done_callback(lambda _: news.set())
    try:
        is_news = not is_found and group.oom_killed()  # it may have been quicker than we were
        if is_news:
            events.read()  # the same kill, if it is one that this has seen
        while not run.has_ended:
            if is_news:
                run.is_oom_told = True
                await context.publish(container, "oom")
            await news.wait()
            news.clear()
            is_news = await _was_killed(events)
    except OSError:  # the group has gone
        return
    finally:
        loop.remove_reader(events.fileno())
        events.close()


async def _was_killed(events: OomEvents) -> bool:
    """Whether a signal that there is no memory was followed by a kill."""
    for _ in range(COUNTED):
        if events.read():
            return True
        await asyncio.sleep(COUNTING_S)
    return False
