"""`--mount`, `-v` and `--tmpfs`: what the container sees of other file systems."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lading.sdk.request import Document

PROPAGATIONS = ("private", "rprivate", "shared", "rshared", "slave", "rslave")
_FLAGS = ("readonly", "volume-nocopy", "bind-nonrecursive", "bind-create-src")
_SPELLINGS = {"source": "src", "target": "dst", "destination": "dst", "ro": "readonly"}


def parse_mount(text: str) -> Document:
    """`type=bind,src=/a,dst=/b,readonly` as the API's Mount. Raises ValueError."""
    mount: Document = {"Type": "volume"}
    for field in fields_of(text):
        key, equals, value = field.partition("=")
        key = _SPELLINGS.get(key.lower(), key.lower())
        if not equals and key in _FLAGS:
            value, equals = "true", "="
        if not equals:
            raise ValueError(f"invalid field '{field}' must be a key=value pair")
        _set(mount, key, value, field)
    if mount["Type"] != "tmpfs" and mount["Type"] != "volume" and not mount.get("Source"):
        raise ValueError("source is required")
    if not mount.get("Target"):
        raise ValueError("target is required")
    for kind in ("bind", "volume", "image", "tmpfs"):
        if f"{kind.capitalize()}Options" in mount and mount["Type"] != kind:
            raise ValueError(f"cannot mix '{kind}-*' options with mount type '{mount['Type']}'")
    return mount


def _set(mount: Document, key: str, value: str, field: str) -> None:
    if key == "type":
        mount["Type"] = value.lower()
    elif key == "src":
        mount["Source"] = absolute(value)
    elif key == "dst":
        mount["Target"] = value
    elif key == "readonly":
        mount["ReadOnly"] = _boolean(key, value)
    elif key == "consistency":
        mount["Consistency"] = value.lower()
    elif key.startswith("bind-"):
        _set_bind(mount.setdefault("BindOptions", {}), key, value)
    elif key.startswith("volume-"):
        _set_volume(mount.setdefault("VolumeOptions", {}), key, value)
    elif key == "image-subpath":
        mount.setdefault("ImageOptions", {})["Subpath"] = value
    elif key == "tmpfs-size":
        mount.setdefault("TmpfsOptions", {})["SizeBytes"] = _size(key, value)
    elif key == "tmpfs-mode":
        mount.setdefault("TmpfsOptions", {})["Mode"] = _mode(key, value)
    else:
        raise ValueError(f"unexpected key '{key}' in '{field}'")


def _set_bind(options: Document, key: str, value: str) -> None:
    if key == "bind-propagation":
        options["Propagation"] = value.lower()
    elif key == "bind-create-src":
        options["CreateMountpoint"] = _boolean(key, value)
    elif key == "bind-nonrecursive":
        options["NonRecursive"] = _boolean(key, value)
    elif key == "bind-recursive":
        _set_recursion(options, value)
    else:
        raise ValueError(f"unexpected key '{key}' in '{key}={value}'")


def _set_volume(options: Document, key: str, value: str) -> None:
    if key == "volume-nocopy":
        options["NoCopy"] = _boolean(key, value)
    elif key == "volume-subpath":
        options["Subpath"] = value
    elif key == "volume-driver":
        options.setdefault("DriverConfig", {})["Name"] = value
    elif key in ("volume-label", "volume-opt"):
        name, _, text = value.partition("=")
        place = options if key == "volume-label" else options.setdefault("DriverConfig", {})
        place.setdefault("Labels" if key == "volume-label" else "Options", {})[name] = text
    else:
        raise ValueError(f"unexpected key '{key}' in '{key}={value}'")


def _set_recursion(options: Document, value: str) -> None:
    """How far a read-only bind reaches (kernel 5.12, mount_setattr with AT_RECURSIVE)."""
    if value == "disabled":
        options["NonRecursive"] = True
    elif value == "writable":
        options["ReadOnlyNonRecursive"] = True
    elif value == "readonly":
        options["ReadOnlyForceRecursive"] = True
    elif value != "enabled":
        raise ValueError(
            f"invalid value for bind-recursive: {value} "
            '(must be "enabled", "disabled", "writable", or "readonly")'
        )


def fields_of(text: str) -> list[str]:
    """The fields of one line of CSV: a quoted field may hold commas, "" in it is a quote."""
    fields, field, quoted, position = [], "", False, 0
    while position < len(text):
        letter = text[position]
        if quoted and letter == '"' and text[position + 1 : position + 2] == '"':
            field += '"'
            position += 1
        elif letter == '"':
            quoted = not quoted
        elif letter == "," and not quoted:
            fields.append(field)
            field = ""
        else:
            field += letter
        position += 1
    return [*fields, field]


def absolute(path: str) -> str:
    """`./x` is a place on this host; `x` is the name of a volume."""
    return os.path.abspath(path) if path.startswith(".") else path


def _boolean(key: str, value: str) -> bool:
    if value.lower() in ("1", "t", "true"):
        return True
    if value.lower() in ("0", "f", "false"):
        return False
    raise ValueError(f"invalid value for {key}: {value}")


def _size(key: str, value: str) -> int:
    from lading import quantities

    try:
        return quantities.parse_bytes(value)
    except Exception:
        raise ValueError(f"invalid value for {key}: {value}") from None


def _mode(key: str, value: str) -> int:
    try:
        return int(value, 8)
    except ValueError:
        raise ValueError(f"invalid value for {key}: {value}") from None


def split_volumes(texts: Sequence[str]) -> tuple[list[str], dict[str, Document]]:
    """`-v` values as (binds, anonymous volumes). Raises ValueError."""
    binds: list[str] = []
    anonymous: dict[str, Document] = {}
    for text in texts:
        source, colon, rest = text.partition(":")
        if not text or (colon and not source) or (colon and not rest):
            raise ValueError(f"invalid spec: {text or '::'}: empty section between colons")
        if text.count(":") > 2:
            raise ValueError(f"invalid spec: {text}: too many colons")
        if colon:
            binds.append(f"{absolute(source)}:{rest}")
        else:
            anonymous[text] = {}
    return binds, anonymous


def tmpfs(texts: Sequence[str]) -> dict[str, str]:
    """`/run:size=64m` -> path -> options."""
    pairs = [text.partition(":") for text in texts]
    return {path: options for path, _, options in pairs}
