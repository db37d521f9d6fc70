"""Documents of the tag Exec: a further process in a running container."""

from msgspec import UNSET, UnsetType, field

from lading.wire.base import Asked, Document


class ExecConfig(Asked):
    """The body of `POST /containers/{id}/exec`. `detach` is an old name that clients still send."""

    user: str = ""
    privileged: bool = False
    tty: bool = False
    console_size: tuple[int, int] | UnsetType = UNSET  # height, width
    attach_stdin: bool = False
    attach_stderr: bool = False
    attach_stdout: bool = False
    detach_keys: str = ""
    env: list[str] | None = None
    working_dir: str = ""
    cmd: list[str] | None = None
    detach: bool | UnsetType = UNSET


class ExecStart(Asked):
    """The body of `POST /exec/{id}/start`."""

    detach: bool = False
    tty: bool = False
    console_size: tuple[int, int] | UnsetType = UNSET  # height, width


class ExecProcess(Document, rename=None):
    """The process of an exec; small letters, as the wire has them."""

    tty: bool
    entrypoint: str
    arguments: list[str]
    privileged: bool | UnsetType = UNSET
    user: str | UnsetType = UNSET


class ExecInspect(Document):
    """The answer to `GET /exec/{id}/json`; `exit_code` is null until the process has ended."""

    id: str = field(name="ID")
    running: bool
    exit_code: int | None = None
    process_config: ExecProcess
    open_stdin: bool = False
    open_stderr: bool = False
    open_stdout: bool = False
    can_remove: bool = False
    container_id: str
    detach_keys: str = ""  # base64
    pid: int = 0
