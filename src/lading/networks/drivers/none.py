"""The network `none`: a namespace with nothing but loopback, which the runtime makes itself."""

from collections.abc import Sequence

from lading.networks.records import Endpoint, Network
from lading.networks.sandbox import Sandbox


class NoNetwork:
    """Gives no interface and changes nothing."""

    gives_interface = False

    def complete(
        self, network: Network, others: Sequence[Network], *, has_endpoints: bool
    ) -> Network:
        return network

    def prepare(self, network: Network, endpoints: Sequence[Endpoint]) -> list[str]:
        return []

    def join(self, network: Network, endpoint: Endpoint, sandbox: Sandbox) -> None:
        pass

    def leave(self, endpoint: Endpoint, sandbox: Sandbox | None) -> None:
        pass

    def discard(self, network: Network) -> None:
        pass

    def sweep(self, networks: Sequence[Network]) -> None:
        pass

    def remove(self) -> None:
        pass

    def close(self) -> None:
        pass
