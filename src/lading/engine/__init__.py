"""The engine: opens the services in order, and answers for all of them together.

`Engine` has a field per service and `open`/`aclose`; what spans several nouns is in a file of
its own (`system`, `check`).
"""

from lading.engine.engine import Engine, Options
from lading.engine.reloading import Reloadable

__all__ = ["Engine", "Options", "Reloadable"]
