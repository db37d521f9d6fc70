"""SIGHUP: flags, configuration file and certificates are read anew, the audit log is opened again.

What is wrong leaves everything as it was, and is told in the log.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping

from lading.api import Audit, Guard, Plugin
from lading.app.container_settings import foreign_runtimes, modes
from lading.containers.defaults import Modes
from lading.engine import Engine, Reloadable
from lading.errors import LadingError
from lading.http import Certificates

log = logging.getLogger("lading")
_LEVELS = {"warn": "WARNING", "fatal": "CRITICAL", "panic": "CRITICAL"}


class Reloader:
    """Takes over what the files say now; `read` reads the flags and the configuration file."""

    def __init__(
        self,
        engine: Engine,
        secrets: Certificates | None,
        audit: Audit | None,
        guard: Guard,
        read: Callable[[], dict[str, object]],
    ) -> None:
        self._engine = engine
        self._secrets = secrets
        self._audit = audit
        self._guard = guard
        self._read = read
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """The signal's handler. A second signal meanwhile comes after the first."""
        former = self._task
        self._task = asyncio.get_running_loop().create_task(self._reload(former))

    async def _reload(self, former: asyncio.Task[None] | None) -> None:
        if former:
            await former
        for what in (self._secrets and self._secrets.reload, self._audit and self._audit.reopen):
            try:
                if what:
                    what()
            except OSError as error:
                log.error("reload: %s", error)
        try:
            given = self._read()
            changed = reloadable(given)
            await self._engine.reload(changed)
            self._guard.use_plugins(plugins(changed))
        except (SystemExit, LadingError) as error:
            log.error("reload: %s; the former configuration stays", error)
        else:
            logging.getLogger().setLevel(log_level(given))
            log.info("reloaded: %s", changed)

    async def aclose(self) -> None:
        """Wait until it is over."""
        if self._task:
            await self._task


def plugins(asked: Reloadable) -> list[Plugin]:
    """Who is asked about each request."""
    return [Plugin(name) for name in asked.authorization_plugins]


def log_level(given: Mapping[str, object]) -> str:
    """The level for `logging` that flags and file ask for."""
    level = "debug" if given.get("debug") else str(given.get("log_level") or "info")
    return _LEVELS.get(level, level.upper())


def reloadable(given: Mapping[str, object]) -> Reloadable:
    """What of the settings may change while the engine runs. Raises SystemExit."""
    for key in texts(given, "without_effect"):
        log.warning("configuration: %s has no effect here", key)
    for name in foreign_runtimes(given):
        log.warning("configuration: runtime %s is refused to containers: it is not run here", name)

    def number(name: str, otherwise: int) -> int:
        value = given.get(name)
        return value if isinstance(value, int) and value else otherwise

    return Reloadable(
        debug=bool(given.get("debug")) or given.get("log_level") == "debug",
        labels=texts(given, "label"),
        features=features(given.get("feature")),
        registry_mirrors=texts(given, "registry_mirror"),
        insecure_registries=texts(given, "insecure_registry"),
        max_concurrent_downloads=number("max_concurrent_downloads", 3),
        max_concurrent_uploads=number("max_concurrent_uploads", 5),
        max_download_attempts=number("max_download_attempts", 5),
        shutdown_timeout_s=number("shutdown_timeout", 15),
        authorization_plugins=texts(given, "authorization_plugin"),
        modes=_modes(given),
    )


def _modes(given: Mapping[str, object]) -> Modes:
    try:
        return modes(given)
    except ValueError as error:
        raise SystemExit(f"ladingd: {error}") from error


def features(given: object) -> tuple[tuple[str, bool], ...]:
    """Flags are `NAME=BOOL`, the configuration file has an object."""
    if isinstance(given, dict):
        return tuple((str(name), bool(value)) for name, value in given.items())
    words = [str(word).partition("=") for word in given] if isinstance(given, list) else []
    return tuple((name, value.lower() in ("", "1", "true")) for name, _, value in words)


def texts(given: Mapping[str, object], name: str) -> tuple[str, ...]:
    """A setting that is a list."""
    values = given.get(name)
    return tuple(str(value) for value in values) if isinstance(values, list) else ()
