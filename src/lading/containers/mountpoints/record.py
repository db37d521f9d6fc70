"""One mount of a container as stored: decided at create, the same at each start."""

from msgspec import Struct


class MountRecord(Struct, frozen=True, omit_defaults=True):
    """What is mounted where. `type` is bind, volume, tmpfs or image.

    `source` is a path of the host for a bind, a reference for an image; a volume has `name`.
    """

    type: str
    destination: str  # a normal, absolute path in the container
    source: str = ""
    name: str = ""
    driver: str = ""
    mode: str = ""  # as it was asked; inspect tells it
    is_read_only: bool = False
    propagation: str = ""  # as asked, or what holds for binds
    is_slave_of_ours: bool = False  # nobody asked for that, but it has our own data
    is_recursive: bool = True  # with what is mounted below the source
    reach: str = ""  # of read-only: "" recursive, "top" not what is mounted below, "forced"
    makes_source: bool = False  # a missing source of a bind becomes a directory of root
    is_anonymous: bool = False  # the volume was made for this container and may go with it
    copies: bool = False  # an empty volume begins with what the image has there
    subpath: str = ""  # what of the volume or image is mounted
    image_id: str = ""
    chain_id: str = ""  # of the image's layers
    options: tuple[str, ...] = ()  # of a tmpfs, as mount(8) takes them
    idmap: str = ""  # of a bind: whose files they seem to be, as `lading.runtime` takes it
