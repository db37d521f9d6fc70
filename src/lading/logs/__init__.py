"""Container output, read back: cursors over the segments that a container's monitor writes.

The segments are the source of truth. `Cursor` walks their records, `tail` finds where the last
lines begin, `LineSelector` turns records into the lines that `logs` was asked for, `options` says
what a driver and its options mean. Nothing here slows a container.
"""

from lading.logs.cursor import Cursor, Record
from lading.logs.lines import LineSelector, LogQuery
from lading.logs.options import LogPlan
from lading.logs.tag import TagSource

__all__ = ["Cursor", "LineSelector", "LogPlan", "LogQuery", "Record", "TagSource"]
