from hypothesis import given
from hypothesis import strategies as st

from lading.steward.zones import Host, Zones


def host(container: str, *names: str, ip: str = "", ipv6: str = "") -> Host:
    return Host(container, list(names), ip, ipv6)


def called(zones: Zones, container: str, name: str) -> list[str]:
    found = (host for zone in zones.of(container) for host in zone.called(name, by=container))
    return sorted(host.container for host in found)


def test_a_container_sees_the_networks_that_it_is_in() -> None:
    zones = Zones()
    zones.put("n1", "front", host("c1", "web"))
    zones.put("n1", "front", host("c2", "App", "alias"))
    zones.put("n2", "back", host("c2", "app"))
    zones.put("n2", "back", host("c3", "db", "alias"))
    assert called(zones, "c1", "app") == ["c2"]
    assert called(zones, "c1", "db") == []
    assert called(zones, "c2", "alias") == ["c2", "c3"]
    assert called(zones, "c1", "app.front") == ["c2"]
    assert called(zones, "c1", "app.back") == []
    assert called(zones, "nobody", "app") == []


def test_a_link_is_a_name_that_one_container_has_for_another() -> None:
    zones = Zones()
    zones.put("n1", "front", Host("c1", ["web"], "", "", [["Store", "db"], ["db", "db"]]))
    zones.put("n1", "front", host("c2", "db"))
    assert called(zones, "c1", "store") == ["c2"]
    assert called(zones, "c1", "db") == ["c2"]
    assert called(zones, "c2", "store") == []


def test_who_leaves_takes_names_and_addresses_along() -> None:
    zones = Zones()
    zones.put("n1", "front", host("c1", "web", ip="10.9.0.2"))
    zones.put("n1", "front", host("c2", "web", ip="10.9.0.3"))
    zones.remove("n1", "c2")
    zones.remove("n1", "c2")
    assert called(zones, "c1", "web") == ["c1"]
    [zone] = zones.of("c1")
    assert zone.at(bytes([10, 9, 0, 3])) is None
    zones.forget("c1")
    assert zones.entries() == []


def test_a_host_that_is_put_again_replaces_itself() -> None:
    zones = Zones()
    zones.put("n1", "front", host("c1", "old", ip="10.9.0.2"))
    zones.put("n1", "front", host("c1", "new", ip="10.9.0.9"))
    [zone] = zones.of("c1")
    assert (called(zones, "c1", "old"), called(zones, "c1", "new")) == ([], ["c1"])
    assert zone.at(bytes([10, 9, 0, 2])) is None


MOVES = st.lists(
    st.tuples(
        st.sampled_from(["put", "remove", "forget"]),
        st.sampled_from(["n1", "n2"]),
        st.sampled_from(["c1", "c2", "c3"]),
        st.sampled_from(["a", "b"]),
    )
)


@given(MOVES)
def test_names_are_always_those_of_a_plain_list(moves: list[tuple[str, str, str, str]]) -> None:
    zones, model = Zones(), {}
    for move, network, container, name in moves:
        if move == "put":
            zones.put(network, network, host(container, name))
            model[network, container] = name
        elif move == "remove":
            zones.remove(network, container)
            model.pop((network, container), None)
        else:
            zones.forget(container)
            model = {key: name for key, name in model.items() if key[1] != container}
    assert sorted(map(tuple, zones.entries())) == sorted(model)
    for container in ("c1", "c2", "c3"):
        mine = {network for network, owner in model if owner == container}
        for name in ("a", "b"):
            found = [c for (net, c), its in model.items() if net in mine and its == name]
            assert called(zones, container, name) == sorted(found)
