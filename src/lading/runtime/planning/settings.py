"""Steps for what the container's namespaces are called and set to: names and sysctls."""

from __future__ import annotations

from lading.runtime.operations import namespaces
from lading.runtime.planning.errors import BadSpec

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lading.runtime.operations.step import Operation
    from lading.runtime.spec import Linux, Namespace, Spec

IPC_SYSCTLS = ("msgmax", "msgmnb", "msgmni", "sem", "shmall", "shmmax", "shmmni", "shm_rmid_forced")


def add(steps: list[Operation], spec: Spec, linux: Linux, asked: dict[str, Namespace]) -> None:
    """Sysctls, hostname and domainname. Raises BadSpec for what would change the host's."""
    for key, value in (linux.get("sysctl") or {}).items():
        dotted = dots(key)
        check_sysctl(key, dotted, value, asked)
        steps.append(namespaces.SetSysctl(dotted, value))
    if spec.get("hostname"):
        if "uts" not in asked:
            raise BadSpec("unable to set hostname without a private UTS namespace")
        steps.append(namespaces.SetHostname(spec["hostname"]))
    if spec.get("domainname"):
        asked_otherwise = {dots(key): value for key, value in (linux.get("sysctl") or {}).items()}
        if asked_otherwise.get("kernel.domainname", spec["domainname"]) != spec["domainname"]:
            raise BadSpec(
                'sysctl "kernel.domainname" is not allowed as it conflicts with the OCI domainname'
            )
        if "uts" not in asked:
            raise BadSpec("unable to set domainname without a private UTS namespace")
        steps.append(namespaces.SetDomainname(spec["domainname"]))


def dots(key: str) -> str:
    """As sysctl(8): the first separator says which one is used; in "net/a.b" a dot is a letter."""
    for character in key:
        if character == ".":
            return key
        if character == "/":
            return key.translate(str.maketrans("./", "/."))
    return key


def check_sysctl(key: str, dotted: str, value: str, asked: dict[str, Namespace]) -> None:
    """Only settings that belong to a namespace of the container; else they are the host's."""
    first, _, rest = dotted.partition(".")
    allowed = (
        (first == "net" and "network" in asked)
        or (first == "kernel" and rest in IPC_SYSCTLS and "ipc" in asked)
        or (dotted.startswith("fs.mqueue.") and "ipc" in asked)
        or (dotted == "kernel.domainname" and "uts" in asked)
    )
    if dotted == "kernel.hostname":
        raise BadSpec(f'sysctl "{key}" is not allowed as it conflicts with the OCI hostname field')
    if not allowed or ".." in key or "//" in key:
        raise BadSpec(f'sysctl "{key}" is not in a separate kernel namespace')
    if not value.isprintable():  # a line feed would write a second value (CVE-2022-0811)
        raise BadSpec(f'sysctl "{key}": control characters in the value')
