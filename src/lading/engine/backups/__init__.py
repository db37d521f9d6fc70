"""Backups: a container with all that its volumes hold, as one archive; made, checked, restored.

`form` says what is in one, `writing` and `reading` do it in threads, `service` has the verbs.
"""

from lading.engine.backups.service import Backups

__all__ = ["Backups"]
