"""The image verbs of the API: what a client asks for, done by the images room."""

from collections.abc import AsyncIterable, Callable, Sequence

import msgspec
from msgspec import to_builtins

from lading.engine import image_views as views
from lading.images.fsck import Finding
from lading.images.manifest_list import Entry
from lading.images.service import Images
from lading.oci import reference as references
from lading.oci.manifest import Descriptor
from lading.registry.client import Credentials
from lading.wire.auth import AuthConfig, AuthResult
from lading.wire.images import (
    DistributionInspect,
    ImageDeleteItem,
    ImageExploration,
    ImageHistoryItem,
    ImageInspect,
    ImagesPruned,
    ImageSummary,
    ImageUsage,
    ManifestListEntry,
    RegistryManifest,
    SearchResult,
)

Filters = dict[str, list[str]]
Progress = Callable[[dict[str, object]], None]


class ImageVerbs:
    """What `/images/...` needs, one method per operation."""

    def __init__(self, images: Images, *, driver: str) -> None:
        self._images = images
        self._driver = driver

    async def pull(
        self, reference: str, *, platform: str | None, progress: Progress, auth: AuthConfig
    ) -> None:
        """Pull an image, or every tag of a repository when none is said."""
        parsed = references.parse(reference)
        pull = self._images.pull if parsed.tag or parsed.digest else self._images.pull_all
        await pull(reference, platform=platform, progress=progress, credentials=_credentials(auth))

    async def push(
        self, name: str, *, tag: str, platform: str | None, progress: Progress, auth: AuthConfig
    ) -> None:
        """Push one tag, or every tag of a repository when none is said."""
        parsed = references.parse(name)
        asked = str(parsed.with_tag(tag)) if tag else name
        await self._images.outgoing.push(
            asked, platform=platform, progress=progress, credentials=_credentials(auth)
        )

    async def load(
        self,
        chunks: AsyncIterable[bytes],
        *,
        quiet: bool,
        platforms: Sequence[str],
        progress: Progress,
    ) -> None:
        """Take in the images of an archive."""
        del quiet  # nothing but the results is told
        platform = platforms[0] if platforms else None
        await self._images.load(chunks, progress=progress, platform=platform)

    async def copy(
        self,
        source: str,
        target: str,
        *,
        archive: AsyncIterable[bytes],
        platform: str | None,
        progress: Progress,
        auths: tuple[AuthConfig, AuthConfig],
    ) -> None:
        """Copy to a registry from another one, or (source "") from an archive."""
        await self._images.outgoing.copy(
            source,
            target,
            archive=archive,
            platform=platform,
            progress=progress,
            source_credentials=_credentials(auths[0]),
            credentials=_credentials(auths[1]),
        )

    async def fetch_archive(
        self, source: str, *, platform: str | None, auth: AuthConfig
    ) -> AsyncIterable[bytes]:
        """The pieces of an archive of what a registry has."""
        return await self._images.outgoing.fetch_archive(
            source, platform=platform, credentials=_credentials(auth)
        )

    async def save(self, names: Sequence[str], *, platforms: Sequence[str]) -> AsyncIterable[bytes]:
        """The pieces of an archive."""
        return await self._images.outgoing.save(names, wanted=platforms)

    async def import_(
        self,
        chunks: AsyncIterable[bytes],
        *,
        source: str,
        repo: str,
        tag: str,
        message: str,
        changes: Sequence[str],
        platform: str | None,
        progress: Progress,
    ) -> None:
        """Make an image of a file system archive: the body, or what an URL has."""
        image = await self._images.making.import_(
            chunks,
            name=f"{repo}:{tag}" if repo and tag else repo,
            message=message,
            origin=source,
            changes=changes,
            platform=platform,
            progress=progress,
        )
        progress({"status": image.id})

    async def from_host(self, tag: str, tools: Sequence[str] | None, progress: Progress) -> None:
        """Make an image of the host's own programs."""
        image = await self._images.making.from_host(tag, tools)
        progress({"stream": f"Created image: {', '.join(image.repo_tags)}\n"})
        progress({"aux": {"ID": image.id}})

    async def inspect(
        self, ref: str, *, manifests: bool = False, platform: str | None = None
    ) -> ImageInspect:
        """Everything about one image."""
        image = await self._images.resolve(ref, platform=platform)
        listed = await self._images.contents(image.id) if manifests else None
        return views.inspect(image, driver=self._driver, manifests=listed)

    async def history(self, ref: str, *, platform: str | None = None) -> Sequence[ImageHistoryItem]:
        """How it was made, newest step first."""
        found = await self._images.history(ref, platform=platform)
        return [views.history_item(entry) for entry in found]

    async def remove(self, ref: str, *, force: bool, prune: bool) -> Sequence[ImageDeleteItem]:
        """Untag it, and delete what nothing needs any more."""
        return views.deleted_items(await self._images.remove(ref, force=force, prune=prune))

    async def prune(self, *, filters: Filters, dry_run: bool) -> ImagesPruned:
        """Delete what nobody uses."""
        done = await self._images.prune(filters, dry_run=dry_run)
        items = views.deleted_items(done.told)
        return ImagesPruned(images_deleted=items or None, space_reclaimed=done.bytes)

    async def fsck(self, *, repair: bool) -> Sequence[Finding]:
        """Check every blob and every row."""
        return await self._images.fsck(repair=repair)

    async def tag(self, ref: str, repo: str, tag: str) -> None:
        """Give it another name."""
        await self._images.tag(ref, f"{repo}:{tag}")

    async def login(self, auth: AuthConfig) -> AuthResult:
        """Try credentials."""
        token = await self._images.outgoing.login(auth.serveraddress, _credentials(auth))
        return AuthResult("Login Succeeded", token)

    async def distribution(self, name: str, *, auth: AuthConfig) -> DistributionInspect:
        """What a registry has under a name."""
        found = await self._images.outgoing.distribution(name, credentials=_credentials(auth))
        return DistributionInspect(
            descriptor=views.descriptor(found.descriptor),
            platforms=[to_builtins(platform) for platform in found.platforms],
        )

    async def explore(
        self, ref: str, *, platform: str | None, with_files: bool
    ) -> ImageExploration:
        """What is in each layer, and what is wasted."""
        found = await self._images.explore(ref, platform=platform)
        return views.exploration(found, with_files=with_files)

    async def usage(self) -> list[ImageUsage]:
        """What every image takes on the disk, those that were used least recently first."""
        found = await self._images.list()
        shared = views.shared_bytes(found)
        rows = [
            views.usage(image, shared[image.id], len(self._images.users_of(image.id)))
            for image in found
        ]
        return sorted(rows, key=lambda row: (max(row.last_used, row.added), row.id))

    async def manifest(
        self, name: str, *, deep: bool, insecure: bool, auth: AuthConfig
    ) -> RegistryManifest:
        """A manifest as a registry has it."""
        found = await self._images.outgoing.manifest(
            name, deep=deep, insecure=insecure, credentials=_credentials(auth)
        )
        return views.registry_manifest(found)

    async def push_list(
        self,
        target: str,
        entries: Sequence[ManifestListEntry],
        *,
        insecure: bool,
        progress: Progress,
        auth: AuthConfig,
    ) -> None:
        """Push an index of manifests that the same registry has."""
        pushed = await self._images.outgoing.push_list(
            target,
            [
                Entry(references.parse(entry.ref), msgspec.convert(entry.descriptor, Descriptor))
                for entry in entries
            ],
            insecure=insecure,
            progress=progress,
            credentials=_credentials(auth),
        )
        progress({"aux": {"Digest": pushed.digest, "Size": pushed.size}})

    async def search(
        self, term: str, *, limit: int, filters: Filters, auth: AuthConfig
    ) -> Sequence[SearchResult]:
        """Repositories that an index knows of."""
        hits = await self._images.outgoing.search(
            term, limit=limit, filters=filters, credentials=_credentials(auth)
        )
        return [
            SearchResult(
                star_count=hit.star_count,
                is_official=hit.is_official,
                name=hit.name,
                is_automated=False,
                description=hit.description or "",
            )
            for hit in hits
        ]

    async def list(
        self, *, all: bool, filters: Filters, shared_size: bool, manifests: bool
    ) -> list[ImageSummary]:
        """Images, newest first."""
        del all  # every image here is a whole one
        found = await self._images.list(filters)
        shared = views.shared_bytes(await self._images.list()) if shared_size else {}
        return [
            views.summary(
                image,
                shared_bytes=shared.get(image.id, -1),
                containers=len(self._images.users_of(image.id)) if shared_size else -1,
                manifests=await self._images.contents(image.id) if manifests else None,
            )
            for image in found
        ]


def _credentials(auth: AuthConfig) -> Credentials:
    username, password = auth.pair()
    return Credentials(username, password, auth.identitytoken, auth.registrytoken)
