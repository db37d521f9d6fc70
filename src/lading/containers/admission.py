"""What a container may ask for, decided at create: refused, or taken with a warning.

Nothing asked is passed over in silence: what contradicts itself or cannot be done here raises, and
what will not be heeded comes back to the user as a warning.
"""

from msgspec.structs import replace

from lading.containers import limits, logging, oci_spec, preparation, restart
from lading.containers.defaults import Defaults
from lading.containers.limits import HostLimits
from lading.containers.record import ContainerRecord
from lading.kernel import lsm
from lading.wire.host_config import HostConfig

_OFF = ("unconfined", "disable")  # asks for what is anyway


def check(
    record: ContainerRecord, can: HostLimits, defaults: Defaults
) -> tuple[ContainerRecord, list[str]]:
    """The container without limits that do not hold here, and warnings.

    Raises InvalidArgument, NotSupported.
    """
    host, discarded = limits.check(record.host_config, can)
    record = replace(record, host_config=host)
    logging.check(host.log_config)
    preparation.check_modes(record)
    restart.check(restart.policy_of(record), is_auto_removed=host.auto_remove)
    oci_spec.capability_names(host)
    if defaults.wants_init(host):
        preparation.init_program(defaults.init_path)
    return record, [*discarded, *warnings(record)]


def warnings(record: ContainerRecord) -> list[str]:
    """What was asked and will not be heeded, one sentence each."""
    host = record.host_config
    ignored = {
        "Image mount is an experimental feature": any(
            mount.type == "image" for mount in host.mounts or []
        ),
        f"log driver {host.log_config.type} sends nothing yet: the log is kept by the engine": (
            logging.is_unsent(host.log_config)
        ),
        "AppArmor is not enabled on this host: its options have no effect": (
            not lsm.has_apparmor() and _asks_for("apparmor", host)
        ),
        "SELinux is not enabled on this host: its options have no effect": (
            not lsm.has_selinux() and _asks_for("label", host)
        ),
    }
    return [text for text, is_asked in ignored.items() if is_asked]


def _asks_for(module: str, host: HostConfig) -> bool:
    options = host.security_opt or []
    return any(o.startswith(module) and not o.endswith(_OFF) for o in options)
