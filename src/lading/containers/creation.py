"""Create: what was asked is united with the image's words, checked, and made durable.

record -> checks -> volumes -> directories -> rows + name + events   (a failure takes all back)
"""

import os
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import NamedTuple

from msgspec.structs import replace

from lading import names
from lading.containers import admission, endpoints, links, logging, validation
from lading.containers.collection import Collection
from lading.containers.container import Container
from lading.containers.context import Context
from lading.containers.defaults import Defaults
from lading.containers.files.view import RestingView
from lading.containers.host_limits import host_limits
from lading.containers.merge import merge
from lading.containers.mountpoints import volumes as mount_volumes
from lading.containers.mountpoints.asked import Wish
from lading.containers.mountpoints.placing import settled
from lading.containers.mountpoints.plan import plan
from lading.containers.mountpoints.record import MountRecord
from lading.containers.record import ContainerRecord, NameInUse
from lading.errors import InvalidArgument, LadingError
from lading.failpoints import fp
from lading.kernel.cgroup import systemd
from lading.oci import platform as platforms
from lading.oci.config import ExecutionConfig
from lading.storage.snapshots import Overlay
from lading.volumes.claim import Claim
from lading.wire.containers import ContainerCreate, ContainerCreated
from lading.wire.host_config import HostConfig
from lading.wire.networks import NetworkingConfig

NAME_TRIES = 6  # of generated names, then the id serves


class JoinedMissing(InvalidArgument):
    """{0}"""


class Restored(NamedTuple):
    """The mounts of a container that comes from a backup, and what fills its volumes."""

    wishes: Sequence[Wish]
    fill: Callable[[Claim], Awaitable[None]]


class Creation:
    """Makes containers, without starting them."""

    def __init__(self, context: Context, known: Collection) -> None:
        self._context = context
        self._known = known

    async def create(
        self,
        request: ContainerCreate,
        *,
        name: str | None,
        platform: str | None,
        restored: Restored | None = None,
    ) -> ContainerCreated:
        """Create a container of an image that is here. Raises NoSuchImage, NameInUse, ..."""
        if name:
            name = names.check_name(name)
        image = await self._context.images.resolve(request.image, platform=platform)
        defaults = self._context.defaults
        words = image.config.config or ExecutionConfig()
        record = _new_record(request, image.id, words, defaults)
        asked = logging.with_defaults(record.host_config.log_config, self._context.log_default)
        record = replace(record, host_config=replace(record.host_config, log_config=asked))
        pointless = validation.check(
            record.config, record.host_config, has_hostname=bool(request.hostname)
        )
        self._check_joined(record.host_config)
        self._check_parent(record.host_config.cgroup_parent)
        record = replace(record, links=self._links(record.host_config))
        networking = endpoints.settle(
            record.networking,
            record.host_config,
            endpoints.mac_of(record.config.mac_address),
            self._context.find_network,
        )
        record = replace(record, networking=networking)
        record = replace(record, selinux_level=self._new_level(record.id))
        record, warnings = admission.check(record, host_limits(), defaults)
        self._context.security.walls(record)
        foreign = [] if platform else _foreign(image.platform)
        warnings = [*foreign, *pointless, *warnings]
        wishes = (
            restored.wishes
            if restored
            else plan(record.config, record.host_config, self._mounts_of)
        )
        volumes = self._context.volumes
        taken = [container.record.ids for container in self._known.all()]
        joined = [other.record.ids for other in self._joined(record.host_config)]
        async with volumes.claim(mount_volumes.names_of([wish.mount for wish in wishes])) as claim:
            mounts = await mount_volumes.use(claim, volumes, wishes)
            if restored:
                await restored.fill(claim)
            record = replace(record, mounts=[await self._settled(mount) for mount in mounts])
            with self._context.users.chosen(record.host_config, taken, joined) as ids:
                record = replace(record, ids=ids)
                container = await self._make(record, name, image.chain_id or None, claim)
        fp("create.after-row")
        return ContainerCreated(id=container.id, warnings=warnings)

    async def _make(
        self, record: ContainerRecord, name: str | None, parent: str | None, claim: Claim
    ) -> Container:
        """The container's directories, what its volumes begin with, and then the rows of all."""
        snapshots, layout = self._context.snapshots, self._context.layout
        fp("create.before-snapshot")
        size_bytes = validation.size_limit(record.host_config)
        snapshots.prepare(record.id, parent, record=False, size_bytes=size_bytes)
        try:
            layout.make_files(record.id)
            if lower := snapshots.layer_directories(parent):
                overlay = Overlay(lower, "", "", snapshots.userxattr, snapshots.server)
                view = RestingView(layout.files(record.id), overlay)
                await mount_volumes.copy_up(claim, self._context.volumes, record.mounts or [], view)
            container = await self._insert(record, name, parent, claim)
            claim.keep()
        except BaseException:
            snapshots.remove(record.id, record=False)
            layout.remove_files(record.id)
            raise
        return container

    def _mounts_of(self, ref: str) -> list[MountRecord]:
        """What `--volumes-from` takes over. Raises NoSuchContainer, AmbiguousId."""
        return self._known.find(ref).record.mounts or []

    async def _settled(self, mount: MountRecord) -> MountRecord:
        """With all that is decided at create: which image is meant. Raises NoSuchImage."""
        if mount.type != "image" or mount.image_id:
            return settled(mount, self._context.layout.data_root)
        image = await self._context.images.resolve(mount.source)
        return replace(mount, image_id=image.id, chain_id=image.chain_id)

    def _check_parent(self, parent: str) -> None:
        """Where systemd makes the cgroups, only a slice holds one. Raises BadParent."""
        if parent and self._context.layout.uses_systemd and not systemd.is_slice(parent):
            raise systemd.BadParent

    def _check_joined(self, host: HostConfig) -> None:
        """Containers whose namespaces are joined must be there. Raises JoinedMissing."""
        for mode in (host.pid_mode, host.ipc_mode):
            try:
                if mode.startswith("container:"):
                    self._known.find(mode.removeprefix("container:"))
            except LadingError as error:
                raise JoinedMissing(error) from error

    def _new_level(self, container_id: str) -> str:
        others = {container.record.selinux_level for container in self._known.all()}
        return self._context.security.new_level(container_id, others)

    def _joined(self, host: HostConfig) -> list[Container]:
        """The containers whose namespaces are joined, as far as they are there."""
        found = []
        for mode in (host.network_mode, host.pid_mode, host.ipc_mode):
            if mode.startswith("container:"):
                with suppress(LadingError):
                    found.append(self._known.find(mode.removeprefix("container:")))
        return found

    def _links(self, host: HostConfig) -> dict[str, str]:
        """The linked containers' ids, by alias. Raises BadLink, LinkedMissing."""
        found = {}
        for text in host.links or []:
            name, alias = links.parse(text)
            try:
                found[alias] = self._known.find(name).id
            except LadingError as error:
                raise links.LinkedMissing(name, error) from error
        return found

    async def _insert(
        self, record: ContainerRecord, name: str | None, parent: str | None, claim: Claim
    ) -> Container:
        """Store the record under the name, or under a generated one that is free."""
        for attempt in range(1 if name else NAME_TRIES + 1):
            generated = names.generate_name(attempt) if attempt < NAME_TRIES else ""
            container = Container(
                replace(record, name=name or generated or names.short_id(record.id))
            )
            try:
                await self._context.insert(container, parent, "create", beside=claim.insert)
            except NameInUse:
                if name or not generated:
                    raise
                continue
            return self._known.add(container)
        raise AssertionError("unreachable: the last attempt returns or raises")


def _foreign(platform: str) -> list[str]:
    """A warning, in dockerd's words, when the image is for another machine."""
    if not platform or platforms.select([platforms.parse(platform)], platforms.host()) is not None:
        return []
    return [
        f"The requested image's platform ({platform}) does not match the detected host platform"
        f" ({platforms.host()}) and no specific platform was requested"
    ]


def _new_record(
    request: ContainerCreate, image_id: str, image: ExecutionConfig, defaults: Defaults
) -> ContainerRecord:
    container_id = names.new_id()
    config = merge(request.config(), image)
    host = request.host_config or HostConfig()
    if not config.hostname:
        is_hosts = "host" in (host.network_mode, host.uts_mode)
        hostname = os.uname().nodename if is_hosts else names.short_id(container_id)
        config = replace(config, hostname=hostname)
    return ContainerRecord(
        id=container_id,
        name="",
        created_ns=time.time_ns(),
        image_reference=request.image,
        image_id=image_id,
        config=config,
        host_config=_with_defaults(defaults.at_create(host)),
        networking=request.networking_config or NetworkingConfig(),
    )


def _with_defaults(host: HostConfig) -> HostConfig:
    """What Docker fills in, and tells in inspect."""
    network = "bridge" if host.network_mode in ("", "default") else host.network_mode
    doubles = host.memory > 0 and host.memory_swap == 0
    return replace(
        host,
        network_mode=network,
        memory_swap=2 * host.memory if doubles else host.memory_swap,
        pids_limit=host.pids_limit if host.pids_limit and host.pids_limit > 0 else None,
        oom_kill_disable=bool(host.oom_kill_disable),
        restart_policy=replace(host.restart_policy, name=host.restart_policy.name or "no"),
    )
