"""Container output, read back: cursors over the segments that a container's monitor writes.

The segments are the source of truth. `Cursor` walks their records, `LineSelector` turns records
into the lines that `logs` was asked for. Nothing here writes, so no reader can slow a container.
"""

from lading.logs.cursor import Cursor, Record
from lading.logs.lines import LineSelector, LogQuery

__all__ = ["Cursor", "LineSelector", "LogQuery", "Record"]
