"""What a command is given: the environment, the engine it talks to, the way it was called."""

from __future__ import annotations

from lading.sdk import address
from lading.sdk.client import Client, connect

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TypeVar

    from lading.sdk.request import Call

    T = TypeVar("T")

DEFAULT_HOST = "unix:///run/lading.sock"


def choose_host(flag: str, environ: Mapping[str, str]) -> str:
    """`-H` before LADING_HOST before DOCKER_HOST before the default."""
    return flag or environ.get("LADING_HOST") or environ.get("DOCKER_HOST") or DEFAULT_HOST


class Session:
    """One invocation. `group` is "container" for `lading container inspect`, else ""."""

    def __init__(
        self,
        environ: Mapping[str, str],
        *,
        host: str = "",
        group: str = "",
        client: Client | None = None,
    ) -> None:
        self.environ = environ
        self.host = choose_host(host, environ)
        self.group = group
        self._client = client

    @property
    def client(self) -> Client:
        """Connected on first use. An engine that is missing at the default place is started."""
        if self._client is None:
            connector = connect
            if self.host == DEFAULT_HOST:
                from lading.cli import autostart

                connector = autostart.connect
            self._client = Client(address.parse(self.host), connect=connector)
            version = self.environ.get("LADING_API_VERSION") or self.environ.get(
                "DOCKER_API_VERSION"
            )
            if version:
                self._client.api_version = version.removeprefix("v")
        return self._client

    def run(self, call: Call[T]) -> T:
        return self.client.run(call)
