"""The containers of one engine, in memory: found by id, by name, or by the beginning of an id."""

from lading.containers.container import Container
from lading.containers.record import AmbiguousId, ContainerRecord, NoSuchContainer
from lading.errors import InvalidArgument
from lading.images.remove import User


class NoReference(InvalidArgument):
    """invalid name or ID supplied: \"\""""


class Collection:
    """Every container that is not removed. What is durable is in `lading.containers.store`."""

    def __init__(self) -> None:
        self._by_id: dict[str, Container] = {}
        self._ids: dict[str, str] = {}  # name -> id
        self._by_volume: dict[str, set[str]] = {}  # name of a volume -> ids

    def add(self, container: Container) -> Container:
        """Let a container be found; its row exists."""
        self._by_id[container.id] = container
        self._ids[container.record.name] = container.id
        for mount in container.record.mounts or []:
            if mount.type == "volume":
                self._by_volume.setdefault(mount.name, set()).add(container.id)
        return container

    def restore(self, record: ContainerRecord) -> Container:
        """Make a stored record live."""
        return self.add(Container(record))

    def rename(self, container: Container, earlier: str) -> None:
        """Its record has another name now."""
        self._ids.pop(earlier, None)
        self._ids[container.record.name] = container.id

    def all(self) -> list[Container]:
        """Every container, removed ones forgotten, in order of creation."""
        for container in [c for c in self._by_id.values() if c.is_removed]:
            self._forget(container)
        return list(self._by_id.values())

    def find(self, ref: str) -> Container:
        """By full id, then name, then unique prefix. Raises NoSuchContainer, AmbiguousId."""
        if not ref:
            raise NoReference
        container = self._by_id.get(ref) or self._by_id.get(self._ids.get(ref.lstrip("/"), ""))
        if container is None:
            matches = [c for i, c in self._by_id.items() if i.startswith(ref) and not c.is_removed]
            if len(matches) > 1:
                raise AmbiguousId(ref)
            container = matches[0] if matches else None
        if container is None or container.is_removed:
            container = self._find_linked(ref.lstrip("/"))
        if container is None or container.is_removed:
            raise NoSuchContainer(ref)
        return container

    def _find_linked(self, ref: str) -> Container | None:
        """By the name of a link, parent/alias."""
        parent_name, slash, alias = ref.rpartition("/")
        parent = self._by_id.get(self._ids.get(parent_name, "")) if slash else None
        return self._by_id.get(parent.record.links.get(alias, "")) if parent else None

    def link_names(self) -> dict[str, list[str]]:
        """The names that links give to containers, by the container's id."""
        names: dict[str, list[str]] = {}
        for parent in self.all():
            for alias, child in parent.record.links.items():
                names.setdefault(child, []).append(f"/{parent.record.name}/{alias}")
        return names

    def users_of(self, image_id: str) -> list[User]:
        """Which containers were made from an image: asked by the images room before a removal."""
        return [
            User(c.id, c.record.state.is_up)
            for c in self.all()
            if c.record.image_id == image_id
            or any(mount.image_id == image_id for mount in c.record.mounts or [])
        ]

    def users_of_volume(self, name: str) -> list[str]:
        """The containers that have a volume, running or not."""
        ids = self._by_volume.get(name, ())
        return sorted(i for i in ids if i in self._by_id and not self._by_id[i].is_removed)

    def _forget(self, container: Container) -> None:
        self._by_id.pop(container.id, None)
        if self._ids.get(container.record.name) == container.id:
            del self._ids[container.record.name]
        for mount in container.record.mounts or []:
            self._forget_volume(mount.name, container.id)

    def _forget_volume(self, name: str, container_id: str) -> None:
        ids = self._by_volume.get(name, set())
        ids.discard(container_id)
        if not ids:
            self._by_volume.pop(name, None)
