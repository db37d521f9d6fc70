from collections.abc import Sequence

from msgspec.structs import replace

from lading.networks import names
from lading.networks.records import Endpoint


class Known:
    def __init__(self, *endpoints: Endpoint) -> None:
        self._endpoints = endpoints

    def endpoints(self, container_id: str) -> Sequence[Endpoint]:
        return [one for one in self._endpoints if one.container_id == container_id]

    def endpoints_of(self, network_id: str) -> Sequence[Endpoint]:
        return [one for one in self._endpoints if one.network_id == network_id]


def endpoint(container: str, network: str, *also: str) -> Endpoint:
    ip = f"10.{ord(network)}.0.{ord(container)}"
    return Endpoint(
        container + network, network, network, container, 1, ip=ip, names=(container, *also)
    )


KNOWN = Known(
    endpoint("a", "x"), endpoint("b", "x", "db"), endpoint("c", "x", "DB"), endpoint("d", "y", "db")
)


def test_an_alias_of_several_containers_is_all_of_them_in_networks_that_are_shared() -> None:
    assert [one.container_id for one in names.resolve(KNOWN, "a", "db.")] == ["b", "c"]
    assert [one.container_id for one in names.resolve(KNOWN, "d", "Db")] == ["d"]
    assert names.resolve(KNOWN, "a", "d") == []
    assert names.resolve(KNOWN, "nobody", "db") == []


def test_a_link_is_a_name_of_one_container_only() -> None:
    linking = replace(endpoint("e", "x"), links=(("Store", "b"), ("db", "nobody")))
    known = Known(linking, *KNOWN.endpoints_of("x"))
    assert [one.container_id for one in names.resolve(known, "e", "store")] == ["b"]
    assert [one.container_id for one in names.resolve(known, "e", "db")] == ["b", "c"]
    assert names.resolve(known, "a", "store") == []


def test_an_address_has_a_name_in_shared_networks_only() -> None:
    ip = endpoint("d", "y").ip
    assert names.reverse(KNOWN, "a", ip) is None
    found = names.reverse(KNOWN, "d", ip)
    assert found is not None
    assert found.names[0] == "d"


def test_names_are_told_once_and_in_order() -> None:
    assert names.unique(["web", "a", "", "web", "a"]) == ("web", "a")
