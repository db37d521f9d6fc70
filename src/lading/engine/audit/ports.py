"""Published ports and names: the records against the stewards and the packet filter."""

from functools import partial
from typing import TYPE_CHECKING

from lading.engine.audit.finding import Finding

if TYPE_CHECKING:
    from lading.engine.engine import Engine


def find(engine: "Engine", running: set[str]) -> list[Finding]:
    """Everything about published ports that does not fit together."""
    ports = engine.networks.ports
    recorded = {one.key: one for container in ports.containers() for one in ports.of(container)}
    held = set(ports.held())
    return [
        *(
            Finding(
                "published port",
                one.key,
                "of a container that does not run",
                partial(ports.unpublish, one.container_id),
            )
            for one in recorded.values()
            if one.container_id not in running
        ),
        *(
            Finding("held port", key, "of no record", partial(ports.drop, [key]))
            for key in sorted(held - recorded.keys())
        ),
        *(
            Finding("published port", key, "is not held", ports.restore)
            for key in sorted(recorded.keys() - held)
            # some kernels have no socket to hold SCTP
            if recorded[key].protocol != "sctp" and not recorded[key].is_open
        ),
        *(
            Finding("filter element", f"{place} {key}", "differs", engine.networks.repair_firewall)
            for place, key in engine.networks.check_firewall()
        ),
        *(
            Finding(kind, key, "is not what the resolver knows", engine.networks.nameserver.restore)
            for kind, key in engine.networks.nameserver.differences()
        ),
    ]
