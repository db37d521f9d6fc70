"""What a registry has under a name: the descriptor, and the platforms behind it."""

from collections.abc import Sequence
from typing import NamedTuple

from lading.oci import config as configs
from lading.oci import media_types
from lading.oci.manifest import Descriptor, Index, Manifest
from lading.oci.platform import Platform
from lading.oci.reference import Reference
from lading.registry.client import Cancellation, Registry, Repository
from lading.registry.client.tokens import Authorize


class Distribution(NamedTuple):
    """A name in a registry."""

    descriptor: Descriptor
    platforms: Sequence[Platform]


def inspect(
    registry: Registry, reference: Reference, authorize: Authorize, cancellation: Cancellation
) -> Distribution:
    """Ask the registry. Blocks. Raises what it answers."""
    repository, found = registry.resolve(reference, cancellation=cancellation, authorize=authorize)
    fetched = registry.fetch_manifest(repository, found.digest, cancellation=cancellation)
    if isinstance(fetched.parsed, Index):
        entries = [entry.platform for entry in fetched.parsed.manifests]
        return Distribution(fetched.descriptor, [entry for entry in entries if entry])
    platform = platform_of(repository, fetched.parsed)
    return Distribution(fetched.descriptor, [platform] if platform else [])


def platform_of(repository: Repository, manifest: Manifest) -> Platform | None:
    """The platform of a single image is in its config only."""
    blob = manifest.config
    if blob.media_type not in media_types.CONFIGS or blob.size > configs.CONFIG_LIMIT:
        return None
    response, _ = repository.open_blob(blob)
    with response:
        config = configs.parse(response.read_all(configs.CONFIG_LIMIT))
    return Platform(
        config.architecture, config.os, config.variant, config.os_version, config.os_features
    )
