"""Documents of the tag Image."""

from msgspec import UNSET, UnsetType, field

from lading.wire.base import Document, KeySet
from lading.wire.containers import ZERO_TIME, GraphDriver, Healthcheck


class ImageSummary(Document):
    """One row of `GET /images/json`; `created` in seconds, -1 means "was not counted"."""

    containers: int = -1
    created: int
    id: str
    labels: dict[str, str] | None = None
    parent_id: str = ""
    descriptor: dict[str, object] | UnsetType = UNSET
    manifests: list[dict[str, object]] | UnsetType = UNSET
    repo_digests: list[str] = field(default_factory=list)
    repo_tags: list[str] = field(default_factory=list)
    shared_size: int = -1
    size: int


class ImageConfigView(Document):
    """The config of an image as inspect shows it: what the image does not say is absent."""

    user: str | UnsetType = UNSET
    exposed_ports: KeySet | UnsetType = UNSET
    env: list[str] | UnsetType = UNSET
    entrypoint: list[str] | UnsetType = UNSET
    cmd: list[str] | UnsetType = UNSET
    volumes: KeySet | UnsetType = UNSET
    working_dir: str | UnsetType = UNSET
    labels: dict[str, str] | UnsetType = UNSET
    stop_signal: str | UnsetType = UNSET
    args_escaped: bool | UnsetType = UNSET
    healthcheck: Healthcheck | UnsetType = UNSET
    on_build: list[str] | UnsetType = UNSET
    shell: list[str] | UnsetType = UNSET


class RootFS(Document):
    """The layers of an image by diff id, lowest first."""

    type: str | UnsetType = UNSET
    layers: list[str] | UnsetType = UNSET


class ImageMetadata(Document):
    """What only this engine knows of an image."""

    last_tag_time: str = ZERO_TIME


class ImageInspect(Document):
    """The answer to `GET /images/{name}/json`."""

    id: str
    repo_tags: list[str] = field(default_factory=list)
    repo_digests: list[str] = field(default_factory=list)
    parent: str = ""
    comment: str = ""
    created: str | UnsetType = UNSET
    container: str = ""
    container_config: dict[str, object] | None = None
    docker_version: str = ""
    author: str = ""
    config: ImageConfigView | None = None
    architecture: str = ""
    variant: str | UnsetType = UNSET
    os: str = "linux"
    os_version: str | UnsetType = field(default=UNSET, name="OsVersion")
    size: int
    graph_driver: GraphDriver = field(default_factory=GraphDriver)
    root_fs: RootFS = field(default_factory=RootFS)
    metadata: ImageMetadata = field(default_factory=ImageMetadata)
    descriptor: dict[str, object] | UnsetType = UNSET
    manifests: list[dict[str, object]] | UnsetType = UNSET


class ImageHistoryItem(Document):
    """One step of an image's history; `id` is `<missing>` when no image of its own is known."""

    comment: str = ""
    created: int
    created_by: str = ""
    id: str = "<missing>"
    size: int = 0
    tags: list[str] | None = None


class DistributionInspect(Document):
    """The answer to `GET /distribution/{name}/json`."""

    descriptor: dict[str, object]
    platforms: list[dict[str, object]] = field(default_factory=list)


class SearchResult(Document, rename=None):
    """One repository that an index knows of; names as the index writes them."""

    star_count: int = 0
    is_official: bool = False
    name: str = ""
    is_automated: bool = False
    description: str = ""


class RegistryManifest(Document):
    """Lading's own: a manifest at a registry; `raw` is its bytes, the entries are of an index."""

    ref: str
    descriptor: dict[str, object]
    raw: bytes
    manifests: list["RegistryManifest"] | UnsetType = UNSET


class LayerFile(Document):
    """Lading's own: a name in a layer; `change` is added, changed or removed."""

    path: str
    kind: str
    size: int
    change: str


class ExploredLayer(Document):
    """Lading's own: what one layer brings; sizes in bytes, `blob_size` as it is sent."""

    digest: str
    diff_id: str = field(name="DiffID")
    created_by: str
    blob_size: int
    size: int
    added: int
    changed: int
    removed: int
    wasted: int
    files: list[LayerFile] | UnsetType = UNSET


class WastedPath(Document):
    """Lading's own: a path that is carried in vain so many times, with so many bytes."""

    path: str
    times: int
    size: int


class ImageExploration(Document):
    """Lading's own: the layers of an image, lowest first, and what nobody sees of them."""

    layers: list[ExploredLayer]
    size: int
    wasted: int
    waste: list[WastedPath]


class ImageUsage(Document):
    """Lading's own: bytes that an image takes, and when a container was last made of it.

    `unique_size` would be free without the image; `blob_size` is as it was sent, and comes on top.
    Moments in seconds; 0: never.
    """

    id: str
    repo_tags: list[str]
    size: int
    shared_size: int
    unique_size: int
    blob_size: int
    containers: int
    added: int
    last_used: int


class ManifestListEntry(Document):
    """Lading's own: a manifest for an index, where it is and what it is (with a platform)."""

    ref: str
    descriptor: dict[str, object]


class ManifestList(Document):
    """Lading's own: the body of a push of an index."""

    manifests: list[ManifestListEntry]


class ImagesPruned(Document):
    """The answer to `POST /images/prune`; no list when nothing went."""

    images_deleted: "list[ImageDeleteItem] | None" = None
    space_reclaimed: int = 0


class ImageDeleteItem(Document):
    """One thing that a removal did: exactly one of the two is there."""

    untagged: str | UnsetType = UNSET
    deleted: str | UnsetType = UNSET
