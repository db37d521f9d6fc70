"""`lading update`: other limits for containers that exist, running ones included."""

from __future__ import annotations

import sys

from lading.cli import option_values, ports
from lading.cli.command import Command
from lading.cli.each import for_each
from lading.cli.failures import Failure
from lading.cli.flags import BYTES, CPUS, INT, LIST, STRING, SWAP, Flag
from lading.cli.parser import Arguments, parse
from lading.sdk import containers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lading.cli.session import Session
    from lading.sdk.request import Document

COMMAND = Command(
    "update",
    "[OPTIONS] CONTAINER [CONTAINER...]",
    "Update configuration of one or more containers",
    (
        Flag("blkio-weight", "", INT, "Block IO (relative weight), between 10 and 1000, or 0"),
        Flag("cpu-period", "", INT, "Limit CPU CFS (Completely Fair Scheduler) period"),
        Flag("cpu-quota", "", INT, "Limit CPU CFS (Completely Fair Scheduler) quota"),
        Flag("cpu-rt-period", "", INT, "Limit the CPU real-time period in microseconds"),
        Flag("cpu-rt-runtime", "", INT, "Limit the CPU real-time runtime in microseconds"),
        Flag("cpu-shares", "c", INT, "CPU shares (relative weight)"),
        Flag("cpus", "", CPUS, "Number of CPUs"),
        Flag("cpuset-cpus", "", STRING, "CPUs in which to allow execution (0-3, 0,1)"),
        Flag("cpuset-mems", "", STRING, "MEMs in which to allow execution (0-3, 0,1)"),
        Flag("kernel-memory", "", BYTES, "Kernel memory limit", hidden=True),
        Flag("memory", "m", BYTES, "Memory limit"),
        Flag("memory-reservation", "", BYTES, "Memory soft limit"),
        Flag("memory-swap", "", SWAP, "Limit of memory plus swap: -1 to enable unlimited swap"),
        Flag("pids-limit", "", INT, "Tune container pids limit (set -1 for unlimited)"),
        Flag("publish-add", "", LIST, "Publish one more port, as in run"),
        Flag("publish-rm", "", LIST, "Stop publishing: PORT[/PROTO], or a mapping as in run"),
        Flag("restart", "", STRING, "Restart policy to apply when a container exits"),
    ),
    least=1,
    aliases=("container update", "update"),
)


class UpdateArguments(Arguments):
    blkio_weight: int
    cpu_period: int
    cpu_quota: int
    cpu_rt_period: int
    cpu_rt_runtime: int
    cpu_shares: int
    cpus: int
    cpuset_cpus: str
    cpuset_mems: str
    kernel_memory: int
    memory: int
    memory_reservation: int
    memory_swap: int
    pids_limit: int
    publish_add: list[str]
    publish_rm: list[str]
    restart: str


_FIELDS = {
    "blkio-weight": "BlkioWeight",
    "cpu-period": "CpuPeriod",
    "cpu-quota": "CpuQuota",
    "cpu-rt-period": "CpuRealtimePeriod",
    "cpu-rt-runtime": "CpuRealtimeRuntime",
    "cpu-shares": "CpuShares",
    "cpus": "NanoCpus",
    "cpuset-cpus": "CpusetCpus",
    "cpuset-mems": "CpusetMems",
    "kernel-memory": "KernelMemory",
    "memory": "Memory",
    "memory-reservation": "MemoryReservation",
    "memory-swap": "MemorySwap",
    "pids-limit": "PidsLimit",
}


def run(session: Session, words: Sequence[str]) -> int:
    args = parse(words, COMMAND, UpdateArguments())
    if not args.given:
        raise Failure("you must provide one or more flags when using this command")
    document = to_update_request(args)
    warnings: list[str] = []

    def update(name: str) -> None:
        warnings.extend(session.run(containers.update(name, document)).get("Warnings") or [])

    code = for_each(args.words, update)
    sys.stdout.flush()
    sys.stderr.write("".join(f"{warning}\n" for warning in warnings))
    return code


def to_update_request(args: UpdateArguments) -> Document:
    """Only what was typed: the rest stays as it is. Raises Failure."""
    document: Document = {
        field: getattr(args, name.replace("-", "_"))
        for name, field in _FIELDS.items()
        if name in args.given
    }
    if "restart" in args.given:
        try:
            document["RestartPolicy"] = option_values.restart_policy(args.restart)
        except ValueError as error:
            raise Failure(str(error)) from error
    try:
        document |= published(args)
    except ValueError as error:
        raise Failure(str(error)) from error
    return document


def published(args: UpdateArguments) -> Document:
    """The ports to publish and to take back. Raises ValueError."""
    document: Document = {}
    if args.publish_add:
        document["PublishAdd"] = ports.published(args.publish_add)
    if args.publish_rm:
        mappings = [text for text in args.publish_rm if ":" in text or "=" in text]
        whole = ports.exposed([text for text in args.publish_rm if text not in mappings])
        document["PublishRm"] = {port: [] for port in whole} | ports.published(mappings)
    return document
