"""unpack_layer: from a layer's bytes to a published snapshot, or to nothing.

    source --decompress by magic--> apply on the chain below --digest is the diff id?--> commit

Whatever goes wrong on the way, the staged tree is thrown away: a layer is published only when its
bytes are what the image's config promised.
"""

import hashlib
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

from lading import errors
from lading.storage.layers import Applied, Limits, Prefetch, Source, apply_layer, open_compressed
from lading.storage.layers.limits import DEFAULT
from lading.storage.snapshots import Driver

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class DiffIDMismatch(errors.InvalidArgument):
    """layer does not match the image's config: expected diff id {0}, got {1}"""


class Unpacked(NamedTuple):
    """The name of the published layer, and what was unpacked."""

    chain_id: str
    applied: Applied


def chain_id_of(parent: str | None, diff_id: str) -> str:
    """The chain id of a layer on top of the chain `parent`. OCI image-spec, config.md."""
    if parent is None:
        return diff_id
    return f"sha256:{hashlib.sha256(f'{parent} {diff_id}'.encode()).hexdigest()}"


def unpack_layer(
    driver: Driver,
    source: Source,
    *,
    parent: str | None,
    diff_id: str | None = None,
    limits: Limits = DEFAULT,
    claim: Callable[[str], object] = lambda _: None,
) -> Unpacked:
    """Unpack a layer, compressed or not, on top of a published chain, and publish it.

    With `diff_id` the uncompressed bytes must have that digest. `claim` hears the chain id before
    the layer is published under it. Raises DiffIDMismatch,
    SnapshotNotFound (the parent) and what apply_layer raises.
    """
    return unpack_plain(
        driver,
        open_compressed(source, limits),
        parent=parent,
        diff_id=diff_id,
        limits=limits,
        claim=claim,
    )


def unpack_plain(
    driver: Driver,
    source: Source,
    *,
    parent: str | None,
    diff_id: str | None = None,
    limits: Limits = DEFAULT,
    claim: Callable[[str], object] = lambda _: None,
) -> Unpacked:
    """`unpack_layer` of a stream that is plain tar."""
    key = f"unpack-{secrets.token_hex(8)}"
    tree = driver.stage(key)
    try:
        with (
            _opened([tree]) as [target],
            _opened(driver.layer_directories(parent)) as lowers,
            Prefetch(source) as plain,
        ):
            applied = apply_layer(plain, target, lowers=lowers, limits=limits)
        if diff_id is not None and applied.diff_id != diff_id:
            raise DiffIDMismatch(diff_id, applied.diff_id)
        chain_id = chain_id_of(parent, applied.diff_id)
        claim(chain_id)
        driver.commit(key, chain_id, parent, inherit_root=not applied.has_root)
    except BaseException:
        driver.remove(key)
        raise
    return Unpacked(chain_id, applied)


@contextmanager
def _opened(directories: list[str]) -> Iterator[list[int]]:
    """Descriptors of directories of the driver's, closed at the end."""
    with ExitStack() as stack:
        descriptors = []
        for directory in directories:
            descriptors.append(os.open(directory, _DIRECTORY))
            stack.callback(os.close, descriptors[-1])
        yield descriptors
