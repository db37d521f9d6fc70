"""What a container may ask for, decided at create: refused, or taken with a warning.

Nothing asked is passed over in silence: what contradicts itself or cannot be done here raises, and
what will not be heeded comes back to the user as a warning.
"""

from lading.containers import binds, logging, oci_spec, preparation, restart
from lading.containers.lifecycle import policy_of
from lading.containers.record import ContainerRecord


def check(record: ContainerRecord) -> list[str]:
    """The warnings for this container. Raises InvalidArgument, NotSupported."""
    host = record.host_config
    binds.parse(host)
    logging.check(host.log_config)
    preparation.check_modes(record)
    restart.check(policy_of(record), is_auto_removed=host.auto_remove)
    oci_spec.capability_names(host)
    if host.init:
        preparation.init_program()
    return warnings(record)


def warnings(record: ContainerRecord) -> list[str]:
    """What was asked and will not be heeded, one sentence each."""
    host, config = record.host_config, record.config
    probe = config.healthcheck.test if config.healthcheck else None
    ignored = {
        "published ports are not supported yet: the ports stay unpublished": bool(
            host.port_bindings or host.publish_all_ports
        ),
        "anonymous volumes are not supported yet: they are plain directories": bool(config.volumes),
        "health checks are not supported yet: the container has no health": bool(
            probe and probe != ["NONE"]
        ),
        f"log driver {host.log_config.type} sends nothing yet: the log is kept by the engine": (
            logging.is_shipped(host.log_config)
        ),
        "AppArmor and SELinux options are not supported yet: they have no effect": any(
            option.startswith(("apparmor", "label")) for option in host.security_opt or []
        ),
    }
    return [text for text, is_asked in ignored.items() if is_asked]
