"""Durable state: one SQLite file for every object, name, address and event of one engine.

`Database` runs transactions, `Schema` is what a room contributes, `Journal` is the numbered events.
No SQL about containers, images or networks lives here: each room owns its tables.
"""

from lading.state.database import Database, Schema
from lading.state.journal import Journal

__all__ = ["Database", "Journal", "Schema"]
