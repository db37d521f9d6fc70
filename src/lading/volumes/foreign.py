"""Volumes that drivers have though we never asked for them: of plugins with a store of theirs.

They get a row when they are found, for from then on containers may use them.
"""

import time
from typing import TYPE_CHECKING

from lading.errors import LadingError
from lading.volumes import store
from lading.volumes.drivers.table import call
from lading.volumes.record import Volume

if TYPE_CHECKING:
    from lading.volumes.service import Volumes

TIMEOUT_S = 5.0  # a list of volumes does not wait longer for one plugin


async def adopt(volumes: "Volumes") -> list[str]:
    """Let them be found; warnings of drivers that cannot be asked."""
    warnings = []
    for name, driver in volumes.drivers.loaded().items():
        try:
            found = await call("list", name, TIMEOUT_S, driver.volumes)
        except LadingError as error:
            warnings.append(str(error))
            continue
        for volume in found:
            await _adopt(volumes, volume, name)
    return warnings


async def _adopt(volumes: "Volumes", name: str, driver: str) -> None:
    async with volumes.locks.held(name):
        if not volumes.has(name):
            volume = Volume(name, driver, time.time_ns())
            await volumes.write(lambda connection: store.insert(connection, volume))
            volumes.add(volume)
