"""What a command is given: the environment, the engine it talks to, the way it was called."""

from __future__ import annotations

from lading.cli import endpoint
from lading.cli.endpoint import default_host
from lading.sdk import address
from lading.sdk.client import Client, connect

TYPE_CHECKING = False
if TYPE_CHECKING:
    import _socket
    from collections.abc import Callable, Mapping
    from typing import TypeVar

    from lading.cli.endpoint import Endpoint
    from lading.cli.front import GlobalFlags
    from lading.sdk.address import Address
    from lading.sdk.request import Call
    from lading.sdk.tls import TlsFiles

    T = TypeVar("T")


class Session:
    """One invocation. `group` is "container" for `lading container inspect`, else ""."""

    def __init__(
        self,
        environ: Mapping[str, str],
        *,
        flags: GlobalFlags | None = None,
        group: str = "",
        client: Client | None = None,
    ) -> None:
        self.environ = environ
        self.flags = flags
        self.group = group
        self._endpoint: Endpoint | None = None
        self._client = client

    @property
    def endpoint(self) -> Endpoint:
        """Chosen on first use: `context rm` must work when the context that is used is broken."""
        if self._endpoint is None:
            self._endpoint = endpoint.choose(self.flags, self.environ)
        return self._endpoint

    @property
    def host(self) -> str:
        return self.endpoint.host

    @property
    def client(self) -> Client:
        """Connected on first use. An engine that is missing at the default place is started."""
        if self._client is None:
            connector: Callable[[Address], _socket.socket] = connect
            files = self.endpoint.tls
            if self.host == default_host(self.environ):
                from lading.cli import autostart

                connector = autostart.connect
            elif files and not self.host.startswith(("unix:", "ssh:")):
                connector = _by_tls(files)
            self._client = Client(address.parse(self.host), connect=connector)
            version = self.environ.get("LADING_API_VERSION") or self.environ.get(
                "DOCKER_API_VERSION"
            )
            if version:
                self._client.api_version = version.removeprefix("v")
        return self._client

    def run(self, call: Call[T]) -> T:
        return self.client.run(call)


def _by_tls(files: TlsFiles) -> Callable[[Address], _socket.socket]:
    def connector(place: Address) -> _socket.socket:
        from lading.sdk import tls

        wrapped = tls.wrap(connect(place), place, files)
        return wrapped  # type: ignore[return-value]  # it has the methods that are used

    return connector
