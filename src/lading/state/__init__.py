"""Durable state: one SQLite file for every object, name, address and event of one engine.

`Database` runs transactions, `Schema` is what a room contributes, `Journal` is the numbered events.
Beside it `RunFiles`, for small records that end with a run and so need no disk.
No SQL about containers, images or networks lives here: each room owns its tables.
"""

from lading.state.database import Database, Schema
from lading.state.journal import Journal
from lading.state.run_files import RunFiles

__all__ = ["Database", "Journal", "RunFiles", "Schema"]
