"""Documents of the tag Image, made of the images room's records. Pure."""

import calendar
import time
from collections.abc import Iterable, Mapping, Sequence

from msgspec import UNSET, to_builtins

from lading.images import explore
from lading.images.contents import Entry
from lading.images.explore import Exploration, Layer, Source
from lading.images.image import HistoryEntry, Image
from lading.images.manifest_list import Found
from lading.oci import platform as platforms
from lading.oci.manifest import Descriptor
from lading.wire.containers import ContainerConfig, GraphDriver
from lading.wire.images import (
    ExploredLayer,
    ImageConfigView,
    ImageDeleteItem,
    ImageExploration,
    ImageHistoryItem,
    ImageInspect,
    ImageSummary,
    ImageUsage,
    LayerFile,
    RegistryManifest,
    RootFS,
    WastedPath,
)

_SHARED = {
    "User": "user",
    "ExposedPorts": "exposed_ports",
    "Env": "env",
    "Entrypoint": "entrypoint",
    "Cmd": "cmd",
    "Volumes": "volumes",
    "WorkingDir": "working_dir",
    "Labels": "labels",
    "StopSignal": "stop_signal",
    "OnBuild": "on_build",
    "Shell": "shell",
    "Healthcheck": "healthcheck",
    "ArgsEscaped": "args_escaped",
}


def inspect(image: Image, *, driver: str, manifests: Sequence[Entry] | None) -> ImageInspect:
    """The answer to an inspect."""
    config = image.config
    steps = config.history or []
    return ImageInspect(
        id=image.id,
        repo_tags=image.repo_tags,
        repo_digests=image.repo_digests,
        parent=config.parent,
        comment=steps[-1].comment if steps else "",
        created=image.created,
        container=config.container,
        container_config=config.container_config or _NO_CONTAINER,
        docker_version=config.docker_version,
        author=config.author,
        config=config_view(image),
        architecture=config.architecture,
        variant=config.variant or UNSET,
        os=config.os,
        os_version=config.os_version or UNSET,
        size=image.size,
        graph_driver=GraphDriver(name=driver),
        root_fs=RootFS(type="layers", layers=list(config.diff_ids)),
        descriptor=descriptor(image.descriptor),
        manifests=UNSET if manifests is None else [manifest(entry) for entry in manifests],
    )


# what dockerd says of an image that no container was committed to
_NO_CONTAINER: dict[str, object] = to_builtins(ContainerConfig())


def summary(
    image: Image,
    *,
    shared_bytes: int = -1,
    containers: int = -1,
    manifests: Sequence[Entry] | None = None,
) -> ImageSummary:
    """A row of the list."""
    labels = image.config.config.labels if image.config.config else None
    return ImageSummary(
        containers=containers,
        created=seconds(image.created),
        id=image.id,
        labels=labels,
        descriptor=descriptor(image.descriptor),
        manifests=UNSET if manifests is None else [manifest(entry) for entry in manifests],
        repo_digests=image.repo_digests,
        repo_tags=image.repo_tags,
        shared_size=shared_bytes,
        size=image.size,
    )


def shared_bytes(images: Iterable[Image]) -> dict[str, int]:
    """For each image by its ID, the bytes of its layers that another image has, too."""
    listed = list(images)
    users: dict[str, set[str]] = {}
    for image in listed:
        for layer in image.layers:
            users.setdefault(layer.chain, set()).add(image.id)
    return {
        image.id: sum(layer.size for layer in image.layers if len(users[layer.chain]) > 1)
        for image in listed
    }


def history_item(entry: HistoryEntry) -> ImageHistoryItem:
    """A step of an image's history."""
    return ImageHistoryItem(
        comment=entry.comment,
        created=seconds(entry.created),
        created_by=entry.created_by,
        id=entry.id,
        size=entry.size,
        tags=entry.tags or None,
    )


def deleted_items(told: Iterable[Mapping[str, str]]) -> list[ImageDeleteItem]:
    """What a removal did."""
    return [
        ImageDeleteItem(untagged=item.get("Untagged", UNSET), deleted=item.get("Deleted", UNSET))
        for item in told
    ]


def descriptor(described: Descriptor) -> dict[str, object]:
    """A descriptor, with what it has beyond the three fields."""
    found: dict[str, object] = to_builtins(described)
    return found


def usage(image: Image, shared_bytes: int, containers: int) -> ImageUsage:
    """What one image takes, and when it was used."""
    return ImageUsage(
        id=image.id,
        repo_tags=image.repo_tags,
        size=image.size,
        shared_size=shared_bytes,
        unique_size=image.size - shared_bytes,
        blob_size=image.blob_bytes,
        containers=containers,
        added=image.added_ns // 10**9,
        last_used=image.used_ns // 10**9,
    )


def registry_manifest(found: Found) -> RegistryManifest:
    """A manifest as a registry has it."""
    return RegistryManifest(
        ref=found.reference.familiar,
        descriptor=descriptor(found.descriptor),
        raw=found.data,
        manifests=[registry_manifest(e) for e in found.entries] if found.is_index else UNSET,
    )


def exploration(found: Exploration, *, with_files: bool) -> ImageExploration:
    """What is in the layers; the files of each only if they are asked for."""
    return ImageExploration(
        layers=[_explored(*each, with_files=with_files) for each in found.layers],
        size=found.size,
        wasted=found.wasted,
        waste=[WastedPath(**row._asdict()) for row in found.waste],
    )


def _explored(source: Source, layer: Layer, *, with_files: bool) -> ExploredLayer:
    return ExploredLayer(
        digest=source.blob.digest,
        diff_id=source.diff_id,
        created_by=source.created_by,
        blob_size=source.blob.size,
        size=layer.size,
        added=layer.number(explore.ADDED),
        changed=layer.number(explore.CHANGED),
        removed=layer.number(explore.REMOVED),
        wasted=layer.wasted,
        files=[LayerFile(**file._asdict()) for file in layer.files] if with_files else UNSET,
    )


def manifest(entry: Entry) -> dict[str, object]:
    """One of `Manifests`: an image, an attestation, or something unknown."""
    size: dict[str, object] = {
        "Content": entry.content_bytes,
        "Total": entry.content_bytes + entry.unpacked_bytes,
    }
    document: dict[str, object] = {
        "ID": entry.descriptor.digest,
        "Descriptor": descriptor(entry.descriptor),
        "Available": entry.is_here,
        "Size": size,
        "Kind": entry.kind,
    }
    if entry.kind == "image":
        platform = platforms.parse(entry.platform) if entry.platform else None
        document["ImageData"] = {
            "Platform": to_builtins(platform) if platform else {"architecture": "", "os": ""},
            "Size": {"Unpacked": entry.unpacked_bytes},
            "Containers": [],
        }
    elif entry.kind == "attestation":
        document["AttestationData"] = {"For": entry.about}
    return document


def config_view(image: Image) -> ImageConfigView:
    """The image's own words, by the names that both documents share."""
    execution = image.config.config
    given = to_builtins(execution) if execution else {}
    known = {name: given[name] for name in _SHARED if given.get(name) is not None}
    return ImageConfigView(**{_SHARED[name]: value for name, value in known.items()})


def seconds(text: str) -> int:
    """RFC 3339 to seconds since 1970; Docker's zero time is 0 here."""
    try:
        moment = time.strptime(text[:19], "%Y-%m-%dT%H:%M:%S")
    except ValueError:
        return 0
    return max(calendar.timegm(moment), 0)
