"""The names of containers: rename, and the removal of a link's name."""

from msgspec.structs import replace

from lading import names
from lading.containers.collection import Collection
from lading.containers.container import Container
from lading.containers.context import Context
from lading.containers.links import DefaultName
from lading.containers.record import NameInUse, NoSuchContainer
from lading.errors import Conflict, InvalidArgument, LadingError


class SameName(InvalidArgument):
    """Renaming a container with the same name as its current name"""


class EmptyName(InvalidArgument):
    """Neither old nor new names may be empty"""


class BadNewName(InvalidArgument):
    """Error when allocating new name: {0}"""


class NewNameInUse(Conflict):
    """Error when allocating new name: {0}"""


class Naming:
    """Gives and takes names."""

    def __init__(self, context: Context, known: Collection) -> None:
        self._context = context
        self._known = known

    async def remove_link(self, ref: str) -> None:
        """Forget a link by its name, parent/alias. Raises DefaultName, NoSuchContainer."""
        parent_name, _, alias = ref.strip("/").rpartition("/")
        if not parent_name:
            self._known.find(ref)
            raise DefaultName
        parent = self._known.find(parent_name)
        if alias not in parent.record.links:
            raise NoSuchContainer(ref)
        kept = {name: child for name, child in parent.record.links.items() if name != alias}
        parent.record = replace(parent.record, links=kept)
        await self._context.save(parent)

    async def rename(self, container: Container, name: str) -> None:
        """Give it another name. Raises NameInUse, EmptyName, BadNewName, SameName."""
        if not name:
            raise EmptyName
        earlier = container.record
        try:
            name = names.check_name(f"/{name.removeprefix('/')}")
        except InvalidArgument as error:
            raise BadNewName(error) from error
        if name == earlier.name:
            raise SameName
        async with container.lock:
            container.record = replace(container.record, name=name)
            try:
                await self._context.save(container, ("rename", {"oldName": f"/{earlier.name}"}))
            except LadingError as error:
                container.record = replace(container.record, name=earlier.name)
                if isinstance(error, NameInUse):
                    raise NewNameInUse(error) from error
                raise
        self._known.rename(container, earlier.name)
        networks = self._context.networks
        await self._context.call_network(lambda: networks.rename(container.id, earlier.name, name))
