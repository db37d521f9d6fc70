"""The image verbs of the API: the images room's records as Docker's documents."""

import calendar
import time
from collections.abc import AsyncIterator, Callable, Sequence

from msgspec import UNSET, to_builtins

from lading.images.image import Image
from lading.images.service import Images
from lading.wire.images import (
    ImageConfigView,
    ImageDeleteItem,
    ImageHistoryItem,
    ImageInspect,
    ImageSummary,
    RootFS,
)

Progress = Callable[[dict[str, object]], None]


class ImageVerbs:
    """What `/images/...` needs, one method per operation."""

    def __init__(self, images: Images) -> None:
        self._images = images

    async def pull(self, reference: str, *, platform: str | None, progress: Progress) -> None:
        """Pull an image, telling how it goes."""
        await self._images.pull(reference, platform=platform, progress=progress)

    async def load(self, chunks: AsyncIterator[bytes], *, quiet: bool, progress: Progress) -> None:
        """Take in the images of an archive."""
        del quiet  # nothing but the results is told
        await self._images.load(chunks, progress=progress)

    async def from_host(self, tag: str, tools: Sequence[str] | None, progress: Progress) -> None:
        """Make an image of the host's own programs."""
        image = await self._images.from_host(tag, tools)
        progress({"stream": f"Created image: {', '.join(image.repo_tags)}\n"})
        progress({"aux": {"ID": image.id}})

    async def list(
        self, *, all: bool, filters: dict[str, list[str]], shared_size: bool, manifests: bool
    ) -> list[ImageSummary]:
        """Images, newest first."""
        del all, shared_size, manifests  # every image here is a whole one
        return [_summary(image) for image in await self._images.list(filters)]

    async def inspect(self, ref: str) -> ImageInspect:
        """Everything about one image."""
        image = await self._images.resolve(ref)
        config = image.config
        return ImageInspect(
            id=image.id,
            repo_tags=image.repo_tags,
            repo_digests=image.repo_digests,
            created=image.created,
            author=config.author,
            config=_config_view(image),
            architecture=config.architecture,
            variant=config.variant or UNSET,
            os=config.os,
            size=image.size,
            root_fs=RootFS(type="layers", layers=list(config.rootfs.diff_ids or [])),
            descriptor=_descriptor(image),
        )

    async def history(self, ref: str) -> Sequence[ImageHistoryItem]:
        """How it was made, newest step first."""
        return [
            ImageHistoryItem(
                comment=entry.comment,
                created=_seconds(entry.created),
                created_by=entry.created_by,
                id=entry.id,
                size=entry.size,
                tags=entry.tags or None,
            )
            for entry in await self._images.history(ref)
        ]

    async def remove(self, ref: str, *, force: bool, prune: bool) -> Sequence[ImageDeleteItem]:
        """Untag it, and delete what nothing needs any more."""
        told = await self._images.remove(ref, force=force, prune=prune)
        return [
            ImageDeleteItem(
                untagged=item.get("Untagged", UNSET), deleted=item.get("Deleted", UNSET)
            )
            for item in told
        ]

    async def tag(self, ref: str, repo: str, tag: str) -> None:
        """Give it another name."""
        await self._images.tag(ref, f"{repo}:{tag}")


def _summary(image: Image) -> ImageSummary:
    labels = image.config.config.labels if image.config.config else None
    return ImageSummary(
        created=_seconds(image.created),
        id=image.id,
        labels=labels,
        descriptor=_descriptor(image),
        repo_digests=image.repo_digests,
        repo_tags=image.repo_tags,
        size=image.size,
    )


def _descriptor(image: Image) -> dict[str, object]:
    descriptor = image.descriptor
    return {
        "mediaType": descriptor.media_type,
        "digest": descriptor.digest,
        "size": descriptor.size,
    }


def _config_view(image: Image) -> ImageConfigView:
    """The image's own words, by the names that both documents share."""
    execution = image.config.config
    given = to_builtins(execution) if execution else {}
    known = {name: given[name] for name in _SHARED if given.get(name) is not None}
    return ImageConfigView(**{_SHARED[name]: value for name, value in known.items()})


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
}


def _seconds(text: str) -> int:
    """RFC 3339 to seconds since 1970; Docker's zero time is 0 here."""
    try:
        moment = time.strptime(text[:19], "%Y-%m-%dT%H:%M:%S")
    except ValueError:
        return 0
    return max(calendar.timegm(moment), 0)
