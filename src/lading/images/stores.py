"""What every operation of this room works on, in one value."""

from typing import NamedTuple

from lading.images.leases import Leases
from lading.state import Database
from lading.storage.content import ContentStore
from lading.storage.snapshots import Driver


class Stores(NamedTuple):
    """Blobs, snapshots, rows, and the leases that hold them while no row does."""

    content: ContentStore
    snapshots: Driver
    database: Database
    leases: Leases
