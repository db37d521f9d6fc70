"""What a user asks for, one mount at a time: the text of `-v`, and an entry of `HostConfig.Mounts`.

Docker's rules: a missing source of -v is made as a directory of root, one of --mount is an error;
propagation is rprivate unless said; read-only is recursive. Pure, but for the look at sources.
"""

import os
import posixpath
from collections.abc import Callable
from typing import NamedTuple

from lading.containers.mountpoints import errors, modes
from lading.containers.mountpoints.errors import (
    InvalidBind,
    InvalidMode,
    InvalidMount,
    InvalidSpecification,
    MisplacedOptions,
)
from lading.containers.mountpoints.record import MountRecord
from lading.wire.mounts import BindOptions, ImageOptions, Mount, TmpfsOptions, VolumeOptions

# which options belong to which type of mount
_OPTIONS = {
    "BindOptions": "bind",
    "VolumeOptions": "volume",
    "ImageOptions": "image",
    "TmpfsOptions": "tmpfs",
    "ClusterOptions": "cluster",
}
_FIELDS = {
    "BindOptions": "bind_options",
    "VolumeOptions": "volume_options",
    "ImageOptions": "image_options",
    "TmpfsOptions": "tmpfs_options",
    "ClusterOptions": "cluster_options",
}


class Wish(NamedTuple):
    """A mount that is wanted, and how its volume is made if there is none."""

    mount: MountRecord
    options: dict[str, str] | None = None
    labels: dict[str, str] | None = None
    is_inherited: bool = False  # of another container: the volume must be there


def from_text(text: str, driver: str = "") -> Wish:
    """`-v` as Docker sends it: SOURCE:TARGET[:MODES], or TARGET alone for an anonymous volume.

    Raises InvalidSpecification, InvalidBind, InvalidMode.
    """
    parts = text.split(":")
    if len(parts) > 3 or not text or not parts[0] or (len(parts) > 1 and not parts[1]):
        raise InvalidSpecification(text)
    source, target = (parts[0], parts[1]) if len(parts) > 1 else ("", parts[0])
    words = parts[2] if len(parts) == 3 else ""
    kind = "bind" if source.startswith("/") else "volume"
    asked = modes.parse(words)
    if problem := problem_of_target(target):
        raise InvalidBind(text, kind, problem)
    if kind == "bind":
        if any(key == "mode" for key, _ in asked.owner):
            raise InvalidMode(words)  # the source is the host's: nothing of it is changed
        if asked.is_not_copied:
            raise InvalidBind(text, kind, errors.FORBIDDEN.format("VolumeOptions"))
        mount = MountRecord(
            type=kind,
            destination=clean(target),
            source=posixpath.normpath(source),
            mode=words,
            is_read_only=asked.is_read_only,
            propagation=asked.propagation or "rprivate",
            makes_source=True,
            idmap=asked.idmap or _squashed(asked.owner),
        )
        return Wish(mount)
    if asked.propagation or asked.idmap:
        raise InvalidBind(text, kind, errors.FORBIDDEN.format("BindOptions"))
    mount = MountRecord(
        type=kind,
        destination=clean(target),
        name=source,
        driver=driver,
        mode=words or "z",
        is_read_only=asked.is_read_only,
        is_anonymous=not source,
        copies=not asked.is_not_copied,
    )
    return Wish(mount, dict(asked.owner) or None)


def _squashed(owner: tuple[tuple[str, str], ...]) -> str:
    """Owners of a bind are not changed but mapped: see `placing`, which knows the source's."""
    return ",".join(f"{key}={value}" for key, value in owner if key != "mode")


def from_mount(mount: Mount, *, exists: Callable[[str], bool] = os.path.exists) -> Wish:
    """An entry of `HostConfig.Mounts`. Raises InvalidMount, MisplacedOptions."""
    kind, source, target = mount.type or "", mount.source or "", mount.target or ""
    for name, owner in _OPTIONS.items():
        given = getattr(mount, _FIELDS[name])
        if kind in _MAKERS and owner != kind and isinstance(given, (dict, _Options)):
            raise MisplacedOptions(name, kind)
    if not target:
        raise InvalidMount(kind, errors.EMPTY.format("Target"))
    if problem := problem_of_target(target):
        raise InvalidMount(kind, problem)
    if kind not in _MAKERS:
        raise InvalidMount(kind, "mount type unknown")
    wish = _MAKERS[kind](mount, source)
    if kind == "bind" and not wish.mount.makes_source and not exists(source):
        raise InvalidMount(kind, errors.NO_SOURCE.format(source))
    return wish


_Options = (BindOptions, VolumeOptions, ImageOptions, TmpfsOptions)


def problem_of_target(target: str) -> str:
    """Why nothing can be mounted there; "" when it can."""
    if target.startswith("/") and posixpath.normpath(target).strip("/") == "":
        return errors.IS_ROOT
    return "" if target.startswith("/") else errors.NOT_ABSOLUTE.format(target)


def clean(target: str) -> str:
    """`//a/./b/` as `/a/b`: POSIX, and so normpath, keeps two slashes at the beginning."""
    return posixpath.normpath(target).replace("//", "/")


def _destination(mount: Mount) -> str:
    return clean(mount.target or "")


def _bind(mount: Mount, source: str) -> Wish:
    if not source:
        raise InvalidMount("bind", errors.EMPTY.format("Source"))
    options = mount.bind_options or BindOptions()
    propagation = options.propagation or ""
    if propagation and propagation not in modes.PROPAGATIONS:
        raise InvalidMount("bind", f"invalid propagation mode: {propagation}")
    if not source.startswith("/"):
        raise InvalidMount("bind", errors.NOT_ABSOLUTE.format(source))
    reach = "forced" if options.read_only_force_recursive else ""
    return Wish(
        MountRecord(
            type="bind",
            destination=_destination(mount),
            source=source,
            is_read_only=bool(mount.read_only),
            propagation=propagation or "rprivate",
            is_recursive=not options.non_recursive,
            reach="top" if options.read_only_non_recursive else reach,
            makes_source=bool(options.create_mountpoint),
        )
    )


def _volume(mount: Mount, source: str) -> Wish:
    options = mount.volume_options or VolumeOptions()
    subpath = options.subpath or ""
    if not source and mount.read_only:
        raise InvalidMount("volume", "must not set ReadOnly mode when using anonymous volumes")
    if subpath and not source:
        raise InvalidMount("volume", "must not set Subpath when using anonymous volumes")
    _check_subpath("volume", subpath)
    driver = options.driver_config or None
    record = MountRecord(
        type="volume",
        destination=_destination(mount),
        name=source,
        driver=(driver.name or "") if driver else "",
        mode="z",
        is_read_only=bool(mount.read_only),
        is_anonymous=not source,
        copies=not options.no_copy and not subpath,
        subpath=subpath,
    )
    return Wish(record, (driver.options or None) if driver else None, options.labels or None)


def _image(mount: Mount, source: str) -> Wish:
    if not source:
        raise InvalidMount("image", errors.EMPTY.format("Source"))
    subpath = (mount.image_options.subpath or "") if mount.image_options else ""
    _check_subpath("image", subpath)
    return Wish(
        MountRecord(
            type="image",
            destination=_destination(mount),
            source=source,
            name=source,
            is_read_only=True,
            propagation="rprivate",
            subpath=subpath,
        )
    )


def _check_subpath(kind: str, subpath: str) -> None:
    """It stays below: relative, and never above its beginning."""
    normal = posixpath.normpath(subpath) if subpath else ""
    if normal.startswith("/") or normal == ".." or normal.startswith("../"):
        inside = "volume" if kind == "volume" else "image"
        raise InvalidMount(kind, f"subpath must be a relative path within the {inside}")


def _tmpfs(mount: Mount, source: str) -> Wish:
    if source:
        raise InvalidMount("tmpfs", errors.FORBIDDEN.format("Source"))
    asked = mount.tmpfs_options or TmpfsOptions()
    words = ["noexec", "nosuid", "nodev"]
    if mount.read_only:
        words.append("ro")
    if asked.mode:
        words.append(f"mode={asked.mode:o}")
    if asked.size_bytes and asked.size_bytes > 0:
        words.append(f"size={asked.size_bytes}")
    for option in asked.options or []:
        if not 1 <= len(option) <= 2:
            raise InvalidMount("tmpfs", "invalid option array length")
        if option[0] not in ("exec", "noexec"):
            raise InvalidMount("tmpfs", f"invalid option: {option[0]}")
        words.append(option[0])
    record = MountRecord(
        type="tmpfs",
        destination=_destination(mount),
        is_read_only=bool(mount.read_only),
        options=tuple(words),
    )
    return Wish(record)


_MAKERS = {"bind": _bind, "volume": _volume, "image": _image, "tmpfs": _tmpfs}
