import asyncio
import subprocess

import pytest

from lading.kernel.nftables import messages
from lading.kernel.nftables.events import Event
from lading.networks.firewall import Change, Firewall, Watch, Zone
from lading.networks.firewall.watch import meaning

OURS = "lading-0123abcd"
GONE, MADE = messages.NFT_MSG_DELTABLE, messages.NFT_MSG_NEWTABLE


def nft(*words: str) -> str:
    run = subprocess.run(["nft", *words], check=True, capture_output=True, text=True)
    return run.stdout


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (Event(GONE, 2, OURS, 9), Change.TABLE),
        (Event(GONE, 2, OURS, 1), Change.NOTHING),
        (Event(MADE, 2, "theirs", 9), Change.NOTHING),
        (Event(MADE, 2, "filter", 9), Change.OTHERS),
        (Event(MADE, 1, "lading-user", 9), Change.NOTHING),
        (Event(GONE, 1, "lading-user", 9), Change.OTHERS),
    ],
)
def test_only_what_others_do_to_us_matters(event: Event, expected: Change) -> None:
    assert meaning(event, table=OURS, own_port=1) == expected


@pytest.mark.usefixtures("own_namespace")
def test_a_foreign_flush_is_repaired() -> None:
    async def scenario() -> str:
        firewall = Firewall("0123abcd")
        repaired = asyncio.Event()

        async def repair(change: Change) -> None:
            firewall.repair(change)
            repaired.set()

        firewall.put_zone(Zone("lading0", ("10.9.0.0/16",)))
        watch = Watch(firewall.name, firewall.port, repair)
        firewall.put_zone(Zone("lading1", ("10.8.0.0/16",)))
        await asyncio.sleep(0)
        assert not repaired.is_set()
        await asyncio.to_thread(nft, "flush", "ruleset")
        async with asyncio.timeout(10):
            await repaired.wait()
        watch.close()
        firewall.close()
        return await asyncio.to_thread(nft, "list", "ruleset")

    listed = asyncio.run(scenario())
    assert listed.count('"lading1"') == 4  # in four of the sets
    assert "table inet lading-user" in listed
