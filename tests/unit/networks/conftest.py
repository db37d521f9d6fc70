import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.unit.networks.wire import neighbour

from lading.kernel import netns
from lading.networks import SCHEMA, Networks, Settings
from lading.state import Database

ENGINE = "0123abcd"
RESOLV_CONF = "nameserver 192.0.2.53\n"


@pytest.fixture
def own_namespace() -> Iterator[int]:
    """The test's host is a new, empty network namespace; the value is the real one's."""
    home = netns.open_own()
    netns.unshare()
    try:
        yield home
    finally:
        netns.setns(home)
        os.close(home)


@pytest.fixture
def outside(own_namespace: int) -> Iterator[int]:
    """The namespace of a neighbour on the host's own wire."""
    with neighbour() as descriptor:
        yield descriptor


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(str(tmp_path / "state.db"), [SCHEMA])
    yield opened
    opened.close()


@pytest.fixture
def open_networks(
    own_namespace: int, database: Database, tmp_path: Path
) -> Iterator[Callable[..., Networks]]:
    """Opens the networks of an engine; called again, those of the engine after a restart."""
    with ExitStack() as stack:

        def open_networks(
            settings: Settings | None = None, *, engine_id: str = ENGINE, nameserver: str = ""
        ) -> Networks:
            text = f"nameserver {nameserver}\n" if nameserver else RESOLV_CONF
            networks = Networks(
                database,
                engine_id=engine_id,
                directory=f"{tmp_path}/run-{engine_id}",
                settings=settings,
                read_file=lambda _: text,
            )
            networks.open()
            stack.callback(networks.close)
            return networks

        yield open_networks


@pytest.fixture
def networks(open_networks: Callable[..., Networks]) -> Networks:
    return open_networks()
