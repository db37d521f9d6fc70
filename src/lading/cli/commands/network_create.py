"""`lading network create`: a network of one's own."""

from __future__ import annotations

import sys

from lading.cli import ipam
from lading.cli.command import Command
from lading.cli.create_request import labels
from lading.cli.failures import Failure
from lading.cli.flags import BOOL, LIST, MAP, STRING, STRINGS, Flag
from lading.cli.parser import Arguments, parse
from lading.sdk import networks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lading.cli.session import Session
    from lading.sdk.request import Document

COMMAND = Command(
    "network create",
    "[OPTIONS] NETWORK",
    "Create a network",
    (
        Flag("attachable", "", BOOL, "Enable manual container attachment"),
        Flag("aux-address", "", MAP, "Auxiliary IPv4 or IPv6 addresses used by Network driver"),
        Flag("config-from", "", STRING, "The network from which to copy the configuration"),
        Flag("config-only", "", BOOL, "Create a configuration only network"),
        Flag("driver", "d", STRING, "Driver to manage the Network", default="bridge"),
        Flag("gateway", "", STRINGS, "IPv4 or IPv6 Gateway for the master subnet"),
        Flag("ingress", "", BOOL, "Create swarm routing-mesh network"),
        Flag("internal", "", BOOL, "Restrict external access to the network"),
        Flag("ip-range", "", STRINGS, "Allocate container ip from a sub-range"),
        Flag("ipam-driver", "", STRING, "IP Address Management Driver", default="default"),
        Flag("ipam-opt", "", MAP, "Set IPAM driver specific options"),
        Flag("ipv4", "", BOOL, "Enable or disable IPv4 address assignment", default=True),
        Flag("ipv6", "", BOOL, "Enable or disable IPv6 address assignment"),
        Flag("label", "", LIST, "Set metadata on a network"),
        Flag("opt", "o", MAP, "Set driver specific options"),
        Flag("scope", "", STRING, "Control the network's scope"),
        Flag("subnet", "", STRINGS, "Subnet in CIDR format that represents a network segment"),
    ),
    least=1,
    most=1,
)


class CreateArguments(Arguments):
    attachable: bool
    aux_address: dict[str, str]
    config_from: str
    config_only: bool
    driver: str
    gateway: list[str]
    ingress: bool
    internal: bool
    ip_range: list[str]
    ipam_driver: str
    ipam_opt: dict[str, str]
    ipv4: bool
    ipv6: bool
    label: list[str]
    opt: dict[str, str]
    scope: str
    subnet: list[str]


def run(session: Session, words: Sequence[str]) -> int:
    args = parse(words, COMMAND, CreateArguments())
    try:
        document = to_request(args)
    except ValueError as error:
        raise Failure(str(error)) from None
    made = session.run(networks.create(document))
    if made.get("Warning"):
        sys.stderr.write(f"WARNING: {made['Warning']}\n")
    sys.stdout.write(f"{made['Id']}\n")
    return 0


def to_request(args: CreateArguments) -> Document:
    """The body of POST /networks/create. Raises ValueError with Docker's words."""
    document: Document = {
        "Name": args.words[0],
        "Driver": args.driver,
        "Options": args.opt,
        "IPAM": {
            "Driver": args.ipam_driver,
            "Options": args.ipam_opt,
            "Config": ipam.configs(args.subnet, args.ip_range, args.gateway, args.aux_address),
        },
        "Internal": args.internal,
        "Attachable": args.attachable,
        "Ingress": args.ingress,
        "Scope": args.scope,
        "ConfigOnly": args.config_only,
        "Labels": labels([], args.label, lambda _: ""),
    }
    if "ipv4" in args.given:
        document["EnableIPv4"] = args.ipv4
    if "ipv6" in args.given:
        document["EnableIPv6"] = args.ipv6
    if args.config_from:
        document["ConfigFrom"] = {"Network": args.config_from}
        del document["IPAM"]
        document["Options"] = document["Options"] or None
    return document
