import pytest

from lading.kernel import sysctl
from lading.networks import forwarding
from lading.state import Database

pytestmark = pytest.mark.usefixtures("own_namespace")
SWITCH = "net.ipv4.ip_forward"


def test_forwarding_that_we_switched_on_is_switched_off_again(database: Database) -> None:
    sysctl.write(SWITCH, "0")
    assert forwarding.enable(database) is True
    assert forwarding.enable(database) is True  # as after a restart of the engine
    assert sysctl.read(SWITCH) == "1"
    forwarding.restore(database)
    assert sysctl.read(SWITCH) == "0"


def test_forwarding_that_was_on_before_stays_on(database: Database) -> None:
    sysctl.write(SWITCH, "1")
    assert forwarding.enable(database) is False
    forwarding.restore(database)
    assert sysctl.read(SWITCH) == "1"
