"""`docker commit`: a container's writable layer becomes an image on top of the one it came from."""

from functools import partial
from typing import NamedTuple

from msgspec import UNSET, to_builtins

from lading.containers.container import Container
from lading.containers.context import Context
from lading.containers.files.changes import OWN
from lading.containers.merge import unite
from lading.containers.record import NotRunning
from lading.containers.stopping import Stopping
from lading.errors import Conflict, InvalidArgument
from lading.failpoints import fp
from lading.images.make import CommitRequest
from lading.kernel.cgroup.setting import LimitUnavailable
from lading.oci import reference as references
from lading.oci.config import ExecutionConfig, Healthcheck
from lading.oci.reference import Reference
from lading.wire.containers import ContainerConfig


class CommitRefused(Conflict):
    """You cannot commit container {0} which is being removed"""


class DigestForName(InvalidArgument):
    """cannot import digest reference"""


class CommitOptions(NamedTuple):
    """What `commit` is told beside the container and a configuration."""

    repo: str = ""
    tag: str = ""
    comment: str = ""
    author: str = ""
    pause: bool = True
    changes: tuple[str, ...] = ()  # lines of a Dockerfile


class Committing:
    """Makes images of containers."""

    def __init__(self, context: Context, stopping: Stopping) -> None:
        self._context = context
        self._stopping = stopping

    async def commit(
        self, container: Container, config: ContainerConfig | None, options: CommitOptions
    ) -> str:
        """The new image's digest. A running container is paused meanwhile, if asked.

        Raises InvalidReference, BadChange, NoSuchImage, CommitRefused.
        """
        name = _name(options)
        record = container.record
        if record.state.status == "removing" or container.is_removed:
            raise CommitRefused(container.id)
        asked = unite(config, execution_of(record.config)) if config else record.config
        request = CommitRequest(
            write=partial(self._context.snapshots.write_diff, container.id, without=OWN),
            base=await self._context.images.resolve(record.image_id),
            execution=execution_of(asked),
            created_by=" ".join(record.config.cmd or []),
            author=options.author,
            comment=options.comment,
            changes=options.changes,
            name=name,
            container=container.id,
            container_config=to_builtins(record.config),
        )
        pauses = options.pause and record.state.status == "running"
        if pauses:
            try:
                await self._stopping.pause(container)
            except LimitUnavailable:
                pauses = False  # an engine without cgroups cannot; it is as with --pause=false
            except NotRunning:
                pauses = False  # it has just ended, and changes no more
        try:
            fp("commit.before-image")
            image = await self._context.images.commit(request)
            fp("commit.after-image")
        finally:
            if pauses and container.record.state.status == "paused":
                await self._stopping.unpause(container)
        told = {"comment": options.comment, "imageID": image.id}
        if name:
            told["imageRef"] = name.familiar
        await self._context.publish(container, ("commit", told))
        return image.id


def _name(options: CommitOptions) -> Reference | None:
    """The new image's name; None without a repo. Raises InvalidReference, DigestForName."""
    if not options.repo:
        return None
    reference = references.parse(options.repo)
    if reference.digest:
        raise DigestForName
    if options.tag:
        return references.parse(f"{options.repo}:{options.tag}")
    return reference.with_default_tag()


def execution_of(config: ContainerConfig) -> ExecutionConfig:
    """The part of a container's configuration that an image may have."""
    known = {
        name: value
        for name in ExecutionConfig.__struct_fields__
        if (value := getattr(config, name)) not in (UNSET, None) and name != "healthcheck"
    }
    if config.healthcheck:
        given = {_snake(key): value for key, value in to_builtins(config.healthcheck).items()}
        known["healthcheck"] = Healthcheck(**given)
    return ExecutionConfig(**known)


def _snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")
