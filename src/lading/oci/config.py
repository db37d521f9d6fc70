"""The image config: what runs by default, the layers' DiffIDs, and the history.

Source: OCI image-spec 1.1 config.md, with the extra fields that Docker's builder writes (OnBuild,
Shell, Healthcheck, ArgsEscaped). Go writes absent lists as null, so every list may be None.
"""

import msgspec
from msgspec import Struct, field

from lading.errors import InvalidArgument
from lading.oci import digest as digests

CONFIG_LIMIT = 16 * 1024 * 1024  # bytes; a config holds one history line per build step


class InvalidConfig(InvalidArgument):
    """invalid image config: {0}"""


class Healthcheck(Struct, frozen=True, omit_defaults=True, rename="pascal"):
    """How to probe a container; durations in nanoseconds, 0 inherits. Docker's extension."""

    test: list[str] | None = None
    interval: int = 0
    timeout: int = 0
    start_period: int = 0
    start_interval: int = 0
    retries: int = 0


class ExecutionConfig(Struct, frozen=True, omit_defaults=True, rename="pascal"):
    """The inner `config` object: how a container of this image runs unless told otherwise."""

    user: str = ""
    exposed_ports: dict[str, dict[str, object]] | None = None
    env: list[str] | None = None
    entrypoint: list[str] | None = None
    cmd: list[str] | None = None
    volumes: dict[str, dict[str, object]] | None = None
    working_dir: str = ""
    labels: dict[str, str] | None = None
    stop_signal: str = ""
    stop_timeout: int | None = None
    healthcheck: Healthcheck | None = None
    on_build: list[str] | None = None
    shell: list[str] | None = None
    args_escaped: bool = False


class RootFilesystem(Struct, frozen=True):
    """The layers' DiffIDs (digests of the uncompressed tars), lowest first."""

    diff_ids: list[str] | None = None
    type: str = "layers"


class History(Struct, frozen=True, omit_defaults=True):
    """One step of the build; `empty_layer` steps made no layer."""

    created: str | None = None
    created_by: str = ""
    author: str = ""
    comment: str = ""
    empty_layer: bool = False


class ImageConfig(Struct, frozen=True, omit_defaults=True):
    """The whole config blob; timestamps stay text as they were written."""

    architecture: str = ""
    os: str = ""
    rootfs: RootFilesystem = RootFilesystem()
    config: ExecutionConfig | None = None
    created: str | None = None
    author: str = ""
    variant: str = ""
    os_version: str = field(default="", name="os.version")
    os_features: list[str] | None = field(default=None, name="os.features")
    docker_version: str = ""
    parent: str = ""  # Docker's own: the image below, and the container that was committed
    container: str = ""
    container_config: dict[str, object] | None = None
    history: list[History] | None = None

    @property
    def execution(self) -> ExecutionConfig:
        """The inner config, empty when the image has none."""
        return self.config or ExecutionConfig()

    @property
    def diff_ids(self) -> list[str]:
        """The layers' DiffIDs, lowest first."""
        return self.rootfs.diff_ids or []


def parse(data: bytes) -> ImageConfig:
    """Read a config blob. Raises InvalidConfig."""
    try:
        config = msgspec.json.decode(data, type=ImageConfig)
        for diff_id in config.diff_ids:
            digests.check(diff_id)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise InvalidConfig(str(error)) from error
    except digests.InvalidDigest as error:
        raise InvalidConfig(f"diff_ids: {error}") from error
    return config


def encode(config: ImageConfig) -> bytes:
    """The bytes of a config that Lading makes itself; equal configs give equal bytes."""
    fields = msgspec.to_builtins(config)
    rootfs = {"type": "layers", "diff_ids": config.diff_ids}
    required = {"architecture": config.architecture, "os": config.os, "rootfs": rootfs}
    return msgspec.json.encode({**required, **{k: v for k, v in fields.items() if k != "rootfs"}})
