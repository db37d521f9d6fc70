"""The table of operations: one file per tag of the API, or per noun of a long one."""

from lading.api.routes import (
    container_files,
    container_output,
    container_runs,
    containers,
    exec,
    images,
    networks,
    own,
    own_volumes,
    swarm,
    system,
    volumes,
)

ROUTES = [
    *system.ROUTES,
    *containers.ROUTES,
    *container_runs.ROUTES,
    *container_output.ROUTES,
    *container_files.ROUTES,
    *exec.ROUTES,
    *images.ROUTES,
    *networks.ROUTES,
    *volumes.ROUTES,
    *own.ROUTES,
    *own_volumes.ROUTES,
    *swarm.ROUTES,
]

__all__ = ["ROUTES"]
