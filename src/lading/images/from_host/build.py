"""Putting an image of host programs into the stores: layer, snapshot, rows, name."""

from collections.abc import Sequence

from lading.images import progress
from lading.images.chain import ChainBuilder, plan
from lading.images.flights import Flights
from lading.images.from_host import assemble
from lading.images.gc import collect_blobs
from lading.images.load import nothing_to_fetch
from lading.images.publish import publish
from lading.images.stores import Stores
from lading.oci.reference import Reference
from lading.registry.client import Cancellation


def build(
    stores: Stores,
    flights: Flights,
    name: Reference,
    tools: Sequence[str] | None,
    cancellation: Cancellation,
) -> str:
    """Make the image, name it, and return its digest; None: the tools of the default image.

    Raises assemble.NoTools, tree.ProgramNotFound, loader.LibraryNotFound; nothing is left then.
    """
    chosen = assemble.DEFAULT_TOOLS if tools is None else tools
    tree = assemble.collect(chosen, optional=tools is None)
    touched: set[str] = set()
    try:
        with stores.leases.lease() as lease:
            layer, diff_id = assemble.write_layer(stores.content, tree, lease)
            command = assemble.default_command(tree, chosen)
            ready = assemble.write_image(stores.content, layer, diff_id, command)
            layers = plan(ready.manifest, ready.config)
            lease.add(ready.descriptor.digest, ready.manifest.config.digest, layers[0].chain)
            touched |= lease.names
            ChainBuilder(
                stores,
                layers,
                fetch=nothing_to_fetch,
                flights=flights,
                progress=progress.ignore,
                cancellation=cancellation,
            ).build()
            digest = ready.descriptor.digest
            publish(
                stores,
                ready.descriptor,
                [ready],
                names=[str(name)],
                event=("import", digest, name.familiar),
            )
            return digest
    finally:
        collect_blobs(stores, touched)
