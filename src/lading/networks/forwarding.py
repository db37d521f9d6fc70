"""The host's IP forwarding: on while a bridge needs it, and remembered if it was us.

A host that forwards is a router for everyone who can reach it. If it was not one before, our
firewall drops what passes through the host without touching a bridge of ours (see `firewall`), and
`restore` switches forwarding off again. What we remember holds for one boot: after the next one the
switch is where the host's own settings put it.
"""

from lading.kernel import sysctl
from lading.networks import store
from lading.state import Database

IPV4 = "net.ipv4.ip_forward"
IPV6 = "net.ipv6.conf.all.forwarding"


def enable(database: Database, switch: str = IPV4) -> bool:
    """Switch forwarding on; whether it is on because of us. Raises OSError if that is refused."""
    boot = sysctl.read("kernel.random.boot_id")
    if sysctl.read(switch) == "1":
        return database.read(lambda c: store.get_host_change(c, switch)) == boot
    # remembered first: a crash in between must not make us forget it
    database.write_sync(lambda c: store.put_host_change(c, switch, boot))
    sysctl.write(switch, "1")
    return True


def restore(database: Database) -> None:
    """Switch forwarding off where it is on because of us."""
    for switch in (IPV4, IPV6):
        _restore(database, switch)


def _restore(database: Database, switch: str) -> None:
    remembered = database.read(lambda c: store.get_host_change(c, switch))
    if not remembered:
        return
    if remembered == sysctl.read("kernel.random.boot_id"):
        sysctl.write(switch, "0")
    database.write_sync(lambda c: store.put_host_change(c, switch, ""))
