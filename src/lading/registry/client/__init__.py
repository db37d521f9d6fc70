"""The pull side of the OCI distribution protocol: synchronous, for worker threads.

`Registry` knows how this engine reaches registries; `Registry.resolve` finds an endpoint that has
a reference and gives a `Repository`, from which manifests and blobs are read. Every call takes part
in a `Cancellation`, so that a pull whose client went away stops within a read.
"""

from lading.registry.client.access import Access, Credentials
from lading.registry.client.cancellation import Cancellation, Cancelled
from lading.registry.client.endpoints import Settings
from lading.registry.client.registry import Registry
from lading.registry.client.repository import FetchedManifest, Repository
from lading.registry.client.uploads import Uploads

__all__ = [
    "Access",
    "Cancellation",
    "Cancelled",
    "Credentials",
    "FetchedManifest",
    "Registry",
    "Repository",
    "Settings",
    "Uploads",
]
