"""The fields of documents: every one that the reference tells is told by us, with its type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.e2e.conformance.conftest import Pair

# fields of the reference that have no meaning here, or are a map of names that differ
OTHERWISE = {
    "GraphDriver.Data", "Config.Labels", "Config.Env", "NetworkSettings.Ports", "AppArmorProfile",
    "NetworkSettings.Networks.bridge.DriverOpts",
}  # fmt: skip


def shape(document: Any, path: str = "") -> dict[str, str]:
    """Each field's path with the kind of its value; a list by its first element."""
    found = {}
    if isinstance(document, dict):
        for name, value in document.items():
            below = f"{path}.{name}" if path else name
            if below in OTHERWISE:
                continue
            found[below] = type(value).__name__
            found.update(shape(value, below))
    elif isinstance(document, list) and document:
        found.update(shape(document[0], path))
    return found


@pytest.mark.parametrize("state", ["created", "running", "paused", "exited"])
def test_inspect_has_the_same_fields(pair: Pair, state: str) -> None:
    peer, ours = pair.ask("GET", f"/containers/conf-{state}/json?size=1")
    assert shape(ours.body) == shape(peer.body)


@pytest.mark.parametrize("state", ["created", "running", "paused", "exited"])
def test_a_row_of_the_list_has_the_same_fields(pair: Pair, state: str) -> None:
    path = f'/containers/json?all=1&filters={{"name":["conf-{state}"]}}'
    peer, ours = pair.ask("GET", path)
    assert shape(ours.body) == shape(peer.body)


def test_an_exec_has_the_same_fields(pair: Pair) -> None:
    shapes = []
    for side in pair:
        asked = {"Cmd": ["true"], "AttachStdout": True, "User": "0", "Env": ["A=1"]}
        connection = side.ask("POST", "/containers/conf-running/exec", asked)
        assert connection.status == 201
        running = side.ask("GET", "/containers/conf-running/json").body
        shapes.append((shape(connection.body), running["ExecIDs"]))
    assert shapes[0][0] == shapes[1][0]


@pytest.mark.parametrize("path", ["/version", "/info"])
def test_system_documents_have_the_fields_of_the_reference(pair: Pair, path: str) -> None:
    peer, ours = pair.ask("GET", path)
    missing = shape(peer.body).keys() - shape(ours.body).keys()
    optional = (
        *("FirewallBackend", "KernelMemoryTCP", "Components.Details", "DriverStatus"),
        *("Swarm", "Runtimes", "Containerd", "Plugins"),
    )
    assert not {name for name in missing if not name.startswith(optional)}
