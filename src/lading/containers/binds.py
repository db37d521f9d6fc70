"""-v and --mount: what of the host appears in the container. Named volumes are a room to come.

Docker's rules: a missing source of -v is made as a root directory, one of --mount is an error;
propagation is rprivate unless said; read-only is recursive where the kernel can.
"""

import os

from lading.containers import selinux
from lading.containers.oci_spec import Bind
from lading.errors import InvalidArgument
from lading.kernel import selinux as kernel
from lading.wire.host_config import HostConfig

PROPAGATIONS = {"private", "rprivate", "slave", "rslave", "shared", "rshared"}
MODES = {"ro", "rw", "z", "Z", "nocopy", "consistent", "cached", "delegated"}


class InvalidSpecification(InvalidArgument):
    """invalid volume specification: '{0}'"""


class InvalidMode(InvalidArgument):
    """invalid mode: {0}"""


class NotAbsolute(InvalidArgument):
    """invalid volume specification: '{0}': invalid mount config for type "bind": \
invalid mount path: '{1}' mount path must be absolute"""


class InvalidTarget(InvalidArgument):
    """invalid mount config for type "{0}": \
invalid mount path: '{1}' mount path must be absolute"""


class NamedVolume(InvalidArgument):
    """volume "{0}": named volumes are not supported yet (bind a directory: -v /path:{1})"""


class UnsupportedMount(InvalidArgument):
    """mount type "{0}" is not supported yet (bind and tmpfs are)"""


class MissingSource(InvalidArgument):
    """invalid mount config for type "bind": bind source path does not exist: {0}"""


class DuplicateMount(InvalidArgument):
    """Duplicate mount point: {0}"""


def parse(host: HostConfig) -> list[Bind]:
    """All binds that were asked for, outer ones first. Raises InvalidArgument."""
    binds = [_from_text(text) for text in host.binds or []]
    for mount in host.mounts or []:
        if mount.type not in ("bind", "tmpfs"):
            raise UnsupportedMount(mount.type or "")
        source, target = (mount.source or ""), (mount.target or "")
        if not _is_place(target):
            raise InvalidTarget(mount.type, target)
        if mount.type == "tmpfs":
            continue  # `lading.containers.oci_spec` makes those
        if not os.path.exists(source):
            raise MissingSource(source)
        options = mount.bind_options
        propagation = (options.propagation or "") if options else ""
        mode = ["ro"] if (mount.read_only or False) else []
        binds.append(_bind(source, target, [*mode, *([propagation] if propagation else [])]))
    targets = [bind.destination for bind in binds]
    for target in targets:
        if targets.count(target) > 1:
            raise DuplicateMount(target)
    return sorted(binds, key=lambda bind: bind.destination.count("/"))


def make_sources(binds: list[Bind]) -> None:
    """Create missing sources of -v, as Docker does: directories of root."""
    for bind in binds:
        if not os.path.exists(bind.source):
            os.makedirs(bind.source, 0o755, exist_ok=True)


def relabel(binds: list[Bind], mount_label: str) -> None:
    """Give the sources of `:z` and `:Z` their SELinux label. Raises NotAllowed, RelabelFailed."""
    for bind in binds:
        if bind.relabel:
            own = bind.relabel == "Z"
            kernel.relabel(bind.source, mount_label if own else selinux.shared(mount_label))


def _from_text(text: str) -> Bind:
    parts = text.split(":")
    if not 2 <= len(parts) <= 3 or not all(parts[:2]):
        raise InvalidSpecification(text)
    source, target = parts[0], parts[1]
    if not source.startswith("/"):
        raise NamedVolume(source, target)
    if not _is_place(target):
        raise NotAbsolute(text, target)
    return _bind(source, target, parts[2].split(",") if len(parts) == 3 else [])


def _is_place(target: str) -> bool:
    """Whether something can be mounted there: absolute, and not the root itself."""
    return target.startswith("/") and os.path.normpath(target).strip("/") != ""


def _bind(source: str, target: str, modes: list[str]) -> Bind:
    for mode in modes:
        if mode not in MODES | PROPAGATIONS:
            raise InvalidMode(",".join(modes))
    propagation = next((mode for mode in modes if mode in PROPAGATIONS), "rprivate")
    # rro: the recursive form, so that a mount below the source is read-only as well
    access = ["ro", "rro"] if "ro" in modes else ["rw"]
    label = next((mode for mode in modes if mode in ("z", "Z")), "")
    return Bind(source, os.path.normpath(target), ("rbind", propagation, *access), label)
