"""The table of operations: one file per tag of the API's specification."""

from lading.api.routes import containers, exec, images, own, system

ROUTES = [*system.ROUTES, *containers.ROUTES, *exec.ROUTES, *images.ROUTES, *own.ROUTES]

__all__ = ["ROUTES"]
