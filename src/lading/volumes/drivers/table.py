"""Finding a driver by its name, and calling it without ever waiting for it on the event loop.

A name is looked up among the built-in ones, then among the entry points of `lading.volumes`, then
among the sockets and specifications of Docker's volume plugins.
"""

import asyncio
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from importlib.metadata import EntryPoints, entry_points
from logging import getLogger
from typing import TypeVar

from lading.errors import LadingError
from lading.volumes.driver import Driver
from lading.volumes.drivers.plugins import Plugins
from lading.volumes.record import DriverFailed

log = getLogger(__name__)
T = TypeVar("T")
GROUP = "lading.volumes"


class Table:
    """The drivers of one engine, loaded when they are first named."""

    def __init__(
        self, built_in: Mapping[str, Driver], plugins: Plugins, place: Callable[[str], str]
    ) -> None:
        self._drivers: dict[str, Driver] = dict(built_in)
        self._plugins = plugins
        self._points: EntryPoints | None = None
        self._place = place  # makes the directory in which a driver of an entry point works

    def names(self) -> list[str]:
        """Every driver that could be named now."""
        found = {*self._drivers, *self._plugins.names()}
        return sorted(found | {point.name for point in self._entry_points()})

    async def find(self, name: str) -> Driver | None:
        """The driver of that name, None when there is none. Raises DriverFailed."""
        if name in self._drivers:
            return self._drivers[name]
        driver = self._entry_point(name)
        if driver is None and self._plugins.has(name):
            driver = await call("volume plugin", name, 30.0, lambda: self._plugins.open(name))
        if driver is not None:
            self._drivers[name] = driver
        return driver

    def scope(self, name: str) -> str:
        """`local` or `global`; a driver that nobody has named yet is taken for local."""
        driver = self._drivers.get(name)
        return driver.scope if driver else "local"

    def loaded(self) -> dict[str, Driver]:
        """The drivers that were named so far."""
        return dict(self._drivers)

    def _entry_point(self, name: str) -> Driver | None:
        for point in self._entry_points().select(name=name):
            try:
                driver: Driver = point.load()(self._place(name))
            except Exception as error:  # a stranger's code
                log.exception("volume driver %s cannot be loaded", name)
                raise DriverFailed("volume driver", name, error) from error
            return driver
        return None

    def _entry_points(self) -> EntryPoints:
        """Read once: looking through all installed packages takes milliseconds."""
        if self._points is None:
            self._points = entry_points(group=GROUP)
        return self._points

    def close(self) -> None:
        """Close what drivers have open."""
        for driver in self._drivers.values():
            driver.close()


def in_thread(work: Callable[[], T]) -> "Future[T]":
    """Do the work in a thread of its own, which ends with it and keeps no process from ending."""
    future: Future[T] = Future()

    def thread() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # told to whoever waits
            future.set_exception(error)

    threading.Thread(target=thread, name="volume", daemon=True).start()
    return future


async def call(verb: str, name: str, timeout_s: float, work: Callable[[], T]) -> T:
    """Do the work in a thread of its own; `verb` and `name` tell in errors what was tried.

    A thread that does not end in time is given up, with what it holds. Raises LadingError.
    """
    waiting = asyncio.wrap_future(in_thread(work))
    try:
        return await asyncio.wait_for(asyncio.shield(waiting), timeout_s)
    except TimeoutError:
        waiting.add_done_callback(_heard)
        raise DriverFailed(verb, name, f"no answer within {timeout_s:g} s") from None
    except (LadingError, asyncio.CancelledError):
        raise
    except Exception as error:
        raise DriverFailed(verb, name, error) from error


def _heard(future: "asyncio.Future[T]") -> None:
    """The outcome that came too late is looked at, so that nobody complains."""
    if not future.cancelled():
        future.exception()
