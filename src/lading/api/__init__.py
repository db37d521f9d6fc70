"""The Docker Engine API over `lading.http`: one route per operation, one service call per route.

`Router(backend, ROUTES)` is the handler to serve; `backend` is anything with the services that
`lading.api.backend` describes. No decision about containers or images is taken in this room.
"""

from lading.api.audit import Audit
from lading.api.authorization import Plugin
from lading.api.guard import Guard
from lading.api.router import Route, Router
from lading.api.routes import ROUTES

__all__ = ["ROUTES", "Audit", "Guard", "Plugin", "Route", "Router"]
