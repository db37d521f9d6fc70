"""The same of /networks: what is refused and how, and how a network and its containers are told."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.conformance.conftest import Answer, Pair

CREATE = "/networks/create"
NEW = "conf-new"
BRIDGE = "com.docker.network.bridge."
ENDPOINT = "com.docker.network.endpoint."


def pools(*configs: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"IPAM": {"Config": list(configs)}, **fields}


def options(**fields: str) -> dict[str, Any]:
    return {"Options": {BRIDGE + name: value for name, value in fields.items()}}


A = "10.201.0.0/24"
CREATES: list[dict[str, Any]] = [
    {},
    *({"Name": name} for name in ("", "bridge", "host", "none", "default", "conf-a", "conf b")),
    *({"Driver": name} for name in ("nosuch", "host", "null", "default", "overlay")),
    *({"Scope": scope} for scope in ("swarm", "local")),
    {"Ingress": True},
    {"Attachable": True, "Internal": True, "Labels": {"a": "b"}},
    *({"IPAM": {"Driver": name}} for name in ("nosuch", "null")),
    *(pools(config) for config in (
        {"Subnet": A}, {"Subnet": "10.201.0.1/24"}, {"Subnet": "bogus"}, {"Subnet": "10.0.0.0/33"},
        {"Gateway": "10.201.0.1"}, {"IPRange": "10.201.0.0/25"}, {},
        {"Subnet": A, "Gateway": "10.8.0.1"}, {"Subnet": A, "Gateway": "x"},
        {"Subnet": A, "Gateway": "10.201.0.0"}, {"Subnet": A, "Gateway": "10.201.0.9"},
        {"Subnet": A, "IPRange": "10.8.0.0/25"}, {"Subnet": A, "IPRange": "10.201.0.1/25"},
        {"Subnet": A, "IPRange": "10.201.0.0/16"}, {"Subnet": A, "IPRange": "10.201.0.128/25"},
        {"Subnet": A, "AuxiliaryAddresses": {"a": "10.8.0.1"}},
        {"Subnet": A, "AuxiliaryAddresses": {"a": "x"}},
        {"Subnet": A, "AuxiliaryAddresses": {"a": "10.201.0.7"}},
    )),
    pools({"Subnet": "10.202.0.0/24"}),  # that of conf-a
    pools({"Subnet": "10.202.0.128/25"}),
    pools({"Subnet": A}, {"Subnet": "fd00:201::/64"}, EnableIPv6=True),
    pools({"Subnet": "fd00:201::/64"}, EnableIPv6=True, EnableIPv4=False),
    pools({"Subnet": A}, {"Subnet": "10.203.0.0/24"}),
    {"EnableIPv4": False},
    {"Options": {"com.docker.network.enable_ipv4": "x"}},
    options(enable_icc="x"), options(enable_ip_masquerade="x"), options(host_binding_ipv4="x"),
    options(inhibit_ipv4="x"), options(gateway_mode_ipv4="x"),
    options(inhibit_ipv4="true"), options(gateway_mode_ipv4="routed"),
    options(gateway_mode_ipv4="isolated") | {"Internal": True},
    {"Options": {"com.docker.network.driver.mtu": "x"}},
    {"Options": {"com.docker.network.driver.mtu": "-1"}},
    {"Options": {"com.docker.network.driver.mtu": "1400", "bogus": "x"}},
    {"Options": {"com.docker.network.host_ipv4": "x"}},
    {"ConfigOnly": True, **pools({"Subnet": A})},
    {"ConfigOnly": True, "Attachable": True},
    {"ConfigOnly": True, "ConfigFrom": {"Network": "x"}},
    {"ConfigFrom": {"Network": "nosuch"}},
    {"ConfigFrom": {"Network": "conf-a"}},
]  # fmt: skip

ENDPOINTS: list[dict[str, Any]] = [
    {},
    *({"IPAMConfig": asked} for asked in (
        {"IPv4Address": "10.202.0.77"}, {"IPv4Address": "10.7.0.5"}, {"IPv4Address": "bogus"},
        {"IPv6Address": "fd00::5"}, {"IPv6Address": "10.202.0.9"}, {"LinkLocalIPs": ["x"]},
        {"LinkLocalIPs": ["169.254.3.4"]}, {},
    )),
    {"MacAddress": "x"},
    {"MacAddress": "02:00:00:00:00:77"},
    {"Aliases": ["one", "one", "two"], "GwPriority": 3},
    {"DriverOpts": {ENDPOINT + "ifname": "wan0"}},
    {"DriverOpts": {ENDPOINT + "sysctls": "net.ipv4.conf.eth0.log_martians=1"}},
    {"DriverOpts": {ENDPOINT + "sysctls": "net.ipv4.conf.IFNAME.log_martians=1"}},
]  # fmt: skip


def filtered(path: str, **filters: list[str]) -> str:
    return f"{path}?filters={quote(json.dumps(filters))}"


CONTAINER = {"Container": "conf-running"}
ASKED: list[tuple[Any, ...]] = [
    *[("GET", f"/networks/{name}") for name in (
        "nosuch", "conf-a?scope=swarm", "conf-a?verbose=x")],
    *[("DELETE", f"/networks/{name}") for name in ("nosuch", "bridge", "host", "none")],
    *[("GET", filtered("/networks", **{name: [value]})) for name, value in (
        ("bogus", "x"), ("type", "x"), ("dangling", "x"), ("scope", "x"), ("driver", "nosuch"))],
    ("GET", filtered("/networks", dangling=["true", "false"])),
    ("POST", filtered("/networks/prune", bogus=["x"])),
    ("POST", filtered("/networks/prune", until=["x"])),
    ("POST", filtered("/networks/prune", label=["nosuch"])),
    ("POST", "/networks/nosuch/connect", CONTAINER),
    ("POST", "/networks/conf-a/connect", {"Container": "nosuch"}),
    ("POST", "/networks/conf-a/connect", {}),
    ("POST", "/networks/host/connect", CONTAINER),
    ("POST", "/networks/none/connect", CONTAINER),
    ("POST", "/networks/bridge/connect", CONTAINER),
    ("POST", "/networks/nosuch/disconnect", CONTAINER),
    ("POST", "/networks/conf-a/disconnect", CONTAINER),
    ("POST", "/networks/host/disconnect", CONTAINER),
    ("POST", "/networks/none/disconnect", CONTAINER),
    ("POST", "/networks/conf-a/disconnect", {"Container": "nosuch"}),
    ("POST", "/networks/conf-a/disconnect", {"Container": "conf-created"}),
]  # fmt: skip

MODES: list[tuple[str, dict[str, Any] | None]] = [
    ("", None), ("default", None), ("default", {"default": {}}), ("bridge", {"conf-a": {}}),
    ("conf-a", None), ("conf-a", {"bridge": {}}), ("conf-a", {"conf-a": {}, "bridge": {}}),
    ("host", None), ("none", None), ("container:conf-running", None), ("conf-nosuch", None),
    ("bridge", {"bridge": {"Aliases": ["x"]}}),
    ("bridge", {"bridge": {"IPAMConfig": {"IPv4Address": "172.17.0.9"}}}),
    ("host", {"host": {"Aliases": ["x"]}}),
]  # fmt: skip
_CHOSEN = re.compile(r"Subnet|Gateway|IPAddress|MacAddress|EndpointID|Created|Prefix|IPv6")


@pytest.fixture(scope="module")
def networks(pair: Pair) -> Iterator[Pair]:
    """Both engines with the network conf-a."""
    clear(pair)
    for side in pair:
        asked = {"Name": "conf-a", **pools({"Subnet": "10.202.0.0/24"})}
        assert side.ask("POST", CREATE, asked).status == 201
    yield pair
    clear(pair)


def clear(pair: Pair) -> None:
    for side in pair:
        for row in side.ask("GET", filtered("/networks", name=["^conf"])).body:
            for name in ("conf-running", "conf-created"):
                path = f"/networks/{quote(row['Name'])}/disconnect"
                side.ask("POST", path, {"Container": name, "Force": True})
            side.ask("DELETE", f"/networks/{quote(row['Name'])}")


def same(peer: Answer, ours: Answer) -> None:
    assert (ours.status, _told(ours)) == (peer.status, _told(peer)), (peer, ours)


def _told(answer: Answer) -> Any:
    """The text of an error; of a success only that it is one."""
    return answer.body if answer.status >= 400 else None


def shape(document: Any, path: str = "") -> Any:
    """The document with what each engine chooses for itself reduced to whether it is there."""
    if isinstance(document, dict):
        return {key: shape(value, key) for key, value in document.items()}
    if isinstance(document, list):
        return [shape(value, path) for value in document]
    is_given = path == "IPv4Address" and "/" in str(document)  # an address that was not asked
    return bool(document) if is_given or _CHOSEN.search(path) else document


@pytest.mark.parametrize("asked", CREATES, ids=lambda asked: json.dumps(asked)[:90])
def test_a_create_is_refused_or_told_alike(networks: Pair, asked: dict[str, Any]) -> None:
    peer, ours = networks.ask("POST", CREATE, {"Name": NEW, **asked} if asked else asked)
    try:
        same(peer, ours)
        if peer.status == 201:
            name = quote(asked.get("Name", NEW))
            theirs, mine = networks.ask("GET", f"/networks/{name}")
            assert shape(mine.body) == shape(theirs.body)
    finally:
        networks.ask("DELETE", f"/networks/{quote(asked.get('Name') or NEW)}")
        if asked.get("Name") == "conf-a":  # the delete above took it
            again = {"Name": "conf-a", **pools({"Subnet": "10.202.0.0/24"})}
            networks.ask("POST", CREATE, again)


@pytest.mark.parametrize("asked", ASKED, ids=lambda asked: " ".join(map(str, asked))[:90])
def test_a_request_has_the_same_status_and_text(networks: Pair, asked: tuple[Any, ...]) -> None:
    same(*networks.ask(*asked))


@pytest.mark.parametrize("name", ["conf-running", "conf-created"])
@pytest.mark.parametrize("asked", ENDPOINTS, ids=lambda asked: json.dumps(asked)[:90])
def test_a_connect_is_refused_or_told_alike(
    networks: Pair, name: str, asked: dict[str, Any]
) -> None:
    body = {"Container": name, "EndpointConfig": asked}
    try:
        same(*networks.ask("POST", "/networks/conf-a/connect", body))
        theirs, mine = networks.ask("GET", f"/containers/{name}/json")
        seen = [side.body["NetworkSettings"]["Networks"] for side in (theirs, mine)]
        assert list(seen[1]) == list(seen[0])
        theirs_shape, ours_shape = (_without_ids(shape(each)) for each in seen)
        assert ours_shape == theirs_shape
    finally:
        networks.ask("POST", "/networks/conf-a/disconnect", {"Container": name})


@pytest.mark.parametrize(("mode", "asked"), MODES, ids=lambda value: json.dumps(value)[:60])
def test_a_container_has_the_same_networks(
    networks: Pair, mode: str, asked: dict[str, Any] | None
) -> None:
    body: dict[str, Any] = {"Image": "IMAGE", "Cmd": ["sleep", "9"]}
    body["HostConfig"] = {"NetworkMode": mode}
    if asked is not None:
        body["NetworkingConfig"] = {"EndpointsConfig": asked}
    try:
        peer, ours = networks.ask("POST", f"/containers/create?name={NEW}", body)
        same(peer, ours)
        if peer.status != 201:
            return
        for verb in ("", "start"):
            if verb:
                same(*networks.ask("POST", f"/containers/{NEW}/start"))
            theirs, mine = networks.ask("GET", f"/containers/{NEW}/json")
            seen = [side.body["NetworkSettings"]["Networks"] for side in (theirs, mine)]
            assert _without_ids(shape(seen[1])) == _without_ids(shape(seen[0]))
    finally:
        networks.ask("DELETE", f"/containers/{NEW}?force=1")


def test_a_network_in_use_is_told_and_kept_alike(networks: Pair) -> None:
    networks.ask("POST", "/networks/conf-a/connect", CONTAINER)
    try:
        peer, ours = networks.ask("DELETE", "/networks/conf-a")
        texts = [re.sub(r"[0-9a-f]{12}", "ID", side.body["message"]) for side in (peer, ours)]
        assert (ours.status, texts[1]) == (peer.status, texts[0])
        theirs, mine = networks.ask("GET", "/networks/conf-a")
        assert shape(mine.body) == shape(theirs.body)
    finally:
        networks.ask("POST", "/networks/conf-a/disconnect", CONTAINER)


def _without_ids(networks: Any) -> Any:
    """Short ids among the names of a container are its engine's own."""
    for settings in networks.values():
        names = settings.get("DNSNames")
        settings["DNSNames"] = names and [re.sub(r"^[0-9a-f]{12}$", "ID", one) for one in names]
    return networks
