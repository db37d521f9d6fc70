"""Everything that a start needs before a process exists: network, files, binds, spec, filter.

What is acquired is put on the caller's undo stack at once, so a failure at any step, and a failed
start, give it all back.
"""

import asyncio
import os
import shutil
from collections.abc import Sequence
from contextlib import AsyncExitStack, ExitStack
from functools import partial
from typing import NamedTuple

from lading.containers import devices, links, logging, name_files, oci_spec, published
from lading.containers.container import Container
from lading.containers.context import Context
from lading.containers.endpoints import in_context, requests
from lading.containers.files.view import RestingView
from lading.containers.links import Linked, LinkedNotRunning
from lading.containers.mountpoints import mapping, placing
from lading.containers.mountpoints import volumes as mount_volumes
from lading.containers.mountpoints.placing import Places
from lading.containers.oci_spec import Bind, Surroundings
from lading.containers.record import ContainerRecord
from lading.errors import Conflict, InvalidArgument, LadingError, NotSupported, SystemFault
from lading.failpoints import fp
from lading.kernel import namespaces
from lading.kernel.cgroup import Hierarchies, hierarchies
from lading.networks import Endpoint
from lading.networks.nameserver import has_names
from lading.volumes.directories import fill_mounted

INIT_PROGRAMS = ("docker-init", "tini-static", "tini")  # tried in this order for --init
QUEUES = "/dev/mqueue"
INIT_TARGET = "/sbin/docker-init"


class NoInitProgram(NotSupported):
    """exec: "docker-init": executable file not found in $PATH (Debian has it in package tini)"""


class JoinedNotRunning(Conflict):
    """cannot join {0} namespace of a non running container: {1}"""


class JoinedMissing(SystemFault):
    """joining {0} namespace of container: {1}"""


class JoinedHasOtherIds(Conflict):
    """cannot join {0} namespace of container: {1} is not in the same user namespace \
(--userns=host may join any)"""


class NoOtherIds(NotSupported):
    """a user namespace of its own (--userns, --userns-remap) needs id-mapped mounts, which the \
storage driver {0} has not: use overlay2"""


class UnsupportedMode(InvalidArgument):
    """{0} mode "{1}" is not supported yet"""


class Prepared(NamedTuple):
    """A spawn request and the descriptors that go with it; they stay their owners'."""

    request: dict[str, object]
    descriptors: list[int]
    log_quota: int  # bytes, 0 for no limit


class Preparation:
    """Prepares starts."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._is_nested = namespaces.in_user_namespace()
        self._has_queues = os.path.ismount(QUEUES)
        self._has_swap_limit = has_swap_limit(hierarchies())

    async def prepare(
        self, container: Container, undo: AsyncExitStack, lent: ExitStack
    ) -> Prepared:
        """The request for the spawner. Raises LadingError; `undo` gives everything back.

        `lent` closes, when the spawner has its own, descriptors that nobody else needs.
        """
        context, record = self._context, container.record
        log = logging.plan_for_start(record)
        walls = await context.security.prepare(record)
        joined = self._joined(container)
        asked = await self._mount_volumes(container, undo, walls.mount_label)
        users, netns = await self._user_namespace(container, lent)
        endpoints = await self._attach(container, undo, netns)
        fp("start.network-attached")
        linked = self._linked(container)
        name_files.write_all(context, record, endpoints, linked)
        surroundings = Surroundings(
            hostname=record.config.hostname,
            cgroup_path=context.cgroup(container),
            binds=(*self._own_binds(record, asked), *asked),
            namespace_paths=joined,
            has_swap_limit=self._has_swap_limit,
            has_queues=self._has_queues,
            is_nested=self._is_nested,
            devices=devices.gather(record.host_config),
            variables=tuple(
                variable for each in linked for variable in links.variables(record.name, each)
            ),
            init_path=INIT_TARGET if self._wants_init(record) else "",
            walls=walls,
        )
        overlay = context.snapshots.mount(record.id)
        directory = context.layout.make_run(record.id)
        undo.callback(shutil.rmtree, directory, ignore_errors=True)
        descriptors = [e.netns_fd for e in endpoints[:1] if e.netns_fd is not None]
        mapped: dict[str, int] = {}
        fds: dict[str, object] = {"netns": 0 if descriptors else None, "trees": mapped}
        if users is not None:
            fds["users"] = len(descriptors)
            descriptors.append(users)
        else:
            make = context.launcher.make_namespaces
            for place, tree in (await mapping.trees(asked, make, lent)).items():
                mapped[place] = len(descriptors)
                descriptors.append(tree)
        if overlay.server and overlay.lower:
            if users is not None:
                raise NoOtherIds(context.snapshots.name)
            mapped[""] = len(descriptors)  # the starter adds it, see served_root
        request: dict[str, object] = {
            "id": record.id,
            "directory": directory,
            "spec": oci_spec.build(record, surroundings),
            "overlay": overlay._asdict(),
            "log": {
                "directory": context.layout.log(record.id),
                "quota": log.quota,
                "held": bool(log.quota and container.attachments),
            },
            "stdin": record.config.open_stdin,
            "systemd": context.layout.uses_systemd,
            "seccomp_filter": context.filters.path(record.host_config),
            "owner": list(record.ids.root) if record.ids else [0, 0],
            "fds": fds,
        }
        return Prepared(request, descriptors, log.quota)

    async def _user_namespace(
        self, container: Container, lent: ExitStack
    ) -> tuple[int | None, int | None]:
        """Descriptors of the user namespace and of a network namespace in it; None: the host's.

        A container that joins another's namespaces joins its user namespace, too.
        """
        ids, host = container.record.ids, container.record.host_config
        if ids is None:
            return None, None
        modes = {"network": host.network_mode, "ipc": host.ipc_mode, "pid": host.pid_mode}
        found: dict[int, int] = {}  # inode -> descriptor
        for kind, mode in modes.items():
            if not mode.startswith("container:"):
                continue
            other = self._context.find(mode.removeprefix("container:"))
            path = f"/proc/{other.record.state.pid}/ns/user"
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            lent.callback(os.close, descriptor)
            found.setdefault(os.fstat(descriptor).st_ino, descriptor)
            if other.record.ids != ids or len(found) > 1:
                raise JoinedHasOtherIds(kind, other.id)
        shared = next(iter(found.values()), None)
        users, netns = await self._context.launcher.make_namespaces(ids, shared)
        for descriptor in (users, netns):
            lent.callback(os.close, descriptor)
        return users, netns

    async def _attach(
        self, container: Container, undo: AsyncExitStack, namespace: int | None
    ) -> Sequence[Endpoint]:
        """Join the networks that were asked for; none when they are another container's."""
        wanted = requests(container.record)
        if not wanted:
            return []
        networks = self._context.networks
        try:
            endpoints = await self._context.call_network(
                lambda: networks.attach_all(container.id, wanted, namespace=namespace)
            )
        except LadingError as error:
            raise in_context(error) from error
        undo.callback(self._context.release_network, container)
        record, host = container.record, container.record.host_config
        if any(has_names(endpoint) for endpoint in endpoints):
            asked = self._context.defaults.resolver(host)
            await self._context.call_network(
                lambda: networks.resolve_for(
                    container.id, servers=asked.servers, options=asked.options
                )
            )
        if wishes := published.wishes(record):
            name = record.name
            await self._context.call_network(lambda: networks.publish(container.id, name, wishes))
        return endpoints

    def _joined(self, container: Container) -> dict[str, str]:
        """Namespaces of other containers that this one joins, as paths."""
        host = container.record.host_config
        modes = {"network": host.network_mode, "ipc": host.ipc_mode, "pid": host.pid_mode}
        paths = {}
        for kind, mode in modes.items():
            if not mode.startswith("container:"):
                continue
            try:
                other = self._context.find(mode.removeprefix("container:"))
            except LadingError as error:
                raise JoinedMissing(kind, error) from error
            if not other.record.state.is_running:
                raise JoinedNotRunning(kind, other.id)
            name = {"network": "net"}.get(kind, kind)
            paths[kind] = f"/proc/{other.record.state.pid}/ns/{name}"
        return paths

    async def _mount_volumes(
        self, container: Container, undo: AsyncExitStack, mount_label: str
    ) -> list[Bind]:
        """The container's volumes mounted and filled, its binds' sources looked at."""
        context, mounts = self._context, container.record.mounts or []
        names = mount_volumes.names_of(mounts)
        undo.callback(context.volumes.mounting.release, container.id)
        paths = await context.volumes.mounting.mount(container.id, names)
        places = Places(paths, context.snapshots.layer_directories)
        await asyncio.to_thread(placing.prepare, mounts, places)
        if mount_label:
            await asyncio.to_thread(placing.relabel, mounts, places, mount_label)
        await self._fill_mounted(container, paths)
        return placing.binds(mounts, places, are_mapped=container.record.ids is not None)

    async def _fill_mounted(self, container: Container, paths: dict[str, str]) -> None:
        """Copy up into volumes that were not reachable at create, if they are empty."""
        context = self._context
        for mount in container.record.mounts or []:
            if mount.type != "volume" or not mount.copies:
                continue
            if context.volumes.is_plain(context.volumes.find(mount.name)):
                continue
            overlay = context.snapshots.mount(container.id)
            if not overlay.lower:
                continue
            files = context.layout.files(container.id)
            view = RestingView(files, overlay._replace(upper="", work=""))
            copy = partial(mount_volumes.copy_from, view, mount.destination)
            async with context.volumes.locks.held(mount.name):
                await asyncio.to_thread(fill_mounted, paths[mount.name], copy)

    def _own_binds(self, record: ContainerRecord, asked: list[Bind]) -> list[Bind]:
        """Files that the engine keeps for the container, and the program behind --init.

        Who joins another's network has the other's name files. A file that the user has brought
        along is there in place of ours.
        """
        mode = record.host_config.network_mode
        joined = mode.removeprefix("container:")
        owner = record.id if joined == mode else self._context.find(joined).id
        directory = self._context.layout.files(owner)
        options = ("bind", "rprivate", *(["idmap"] if record.ids else []))
        own = [
            Bind(f"{directory}/{name}", f"/etc/{name}", options)
            for name in ("resolv.conf", "hostname", "hosts")
        ]
        if self._wants_init(record):
            program = init_program(self._context.defaults.init_path)
            own.append(Bind(program, INIT_TARGET, (*options, "ro")))
        taken = {bind.destination for bind in asked}
        return [bind for bind in own if bind.destination not in taken]

    def _wants_init(self, record: ContainerRecord) -> bool:
        return self._context.defaults.wants_init(record.host_config)

    def _linked(self, container: Container) -> list[Linked]:
        """The linked containers as they are now. Raises NoSuchContainer, LinkedNotRunning."""
        found = []
        for alias, container_id in container.record.links.items():
            child = self._context.find(container_id)
            record = child.record
            if not record.state.is_running:
                raise LinkedNotRunning(record.name, container.record.name, alias)
            endpoints = self._context.networks.endpoints(child.id)
            ip = next((one.ip for one in endpoints if one.ip), "")
            exposed = list(record.config.exposed_ports or {})
            found.append(Linked(alias, record.name, ip, exposed, record.config.env or []))
        return found


def has_swap_limit(trees: Hierarchies) -> bool:
    """Whether memory and swap can be limited together; cgroup v1 needs swapaccount=1 for that."""
    memory = trees.v1.get("memory")
    if memory is None:
        return trees.v2 is not None
    return os.path.exists(f"{memory}/memory.memsw.limit_in_bytes")


def init_program(named: str = "") -> str:
    """The program for --init: the one that is named, or the host's. Raises NoInitProgram."""
    for name in (named,) if named else INIT_PROGRAMS:
        path = shutil.which(name, path="/usr/libexec/docker:/usr/bin:/bin:/usr/sbin:/sbin")
        if path:
            return os.path.realpath(path)
    raise NoInitProgram


def check_modes(record: ContainerRecord) -> None:
    """Refuse namespace modes that are not understood, at create. Raises UnsupportedMode."""
    host = record.host_config
    allowed = {
        "ipc": (host.ipc_mode, ("", "private", "shareable", "host", "none")),
        "pid": (host.pid_mode, ("", "host")),
        "uts": (host.uts_mode, ("", "host")),
        "cgroupns": (host.cgroupns_mode, ("", "private", "host")),
    }
    for kind, (mode, known) in allowed.items():
        if mode not in known and not (kind in ("ipc", "pid") and mode.startswith("container:")):
            raise UnsupportedMode(kind, mode)
