"""Putting an image of host programs into the stores: layer, snapshot, rows, name."""

from collections.abc import Sequence
from typing import NamedTuple

from lading.images import progress
from lading.images.chain import ChainBuilder, plan
from lading.images.flights import Flights
from lading.images.from_host import assemble
from lading.images.gc import lease_and_collect
from lading.images.leases import Lease
from lading.images.load import nothing_to_fetch
from lading.images.publish import publish
from lading.images.stores import Stores
from lading.oci.reference import Reference
from lading.registry.client import Cancellation


class BuildRequest(NamedTuple):
    """What is asked for; `tools` None means those of the default image that the host has."""

    name: Reference
    tools: Sequence[str] | None
    cancellation: Cancellation


def build(stores: Stores, flights: Flights, request: BuildRequest) -> str:
    """Make the image, name it, and return its digest. Blocks.

    Raises assemble.NoTools, tree.ProgramNotFound, loader.LibraryNotFound; nothing is left then.
    """
    with lease_and_collect(stores) as lease:
        return _build(stores, flights, request, lease)


def _build(stores: Stores, flights: Flights, request: BuildRequest, lease: Lease) -> str:
    is_default = request.tools is None
    tools = assemble.DEFAULT_TOOLS if request.tools is None else request.tools
    tree = assemble.collect(tools, optional=is_default)
    layer, diff_id = assemble.write_layer(stores.content, tree, lease)
    command = assemble.default_command(tree, tools)
    ready = assemble.write_image(
        stores.content, layer, diff_id, cmd=command, created_s=tree.newest_s(), lease=lease
    )
    layers = plan(ready.manifest, ready.config)
    lease.add(layers[0].chain)
    ChainBuilder(
        stores,
        layers,
        fetch=nothing_to_fetch,
        flights=flights,
        progress=progress.ignore,
        cancellation=request.cancellation,
    ).build()
    digest, name = ready.descriptor.digest, request.name
    event = ("import", digest, name.familiar)
    publish(stores, ready.descriptor, [ready], names=[str(name)], events=[event])
    return digest
