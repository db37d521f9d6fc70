"""Tells the resolver which containers it answers, and who has which name.

    serve   1. the file says whom to ask       2. sockets are made in the container's namespace
            3. the resolver has them
    put     the resolver knows a container's names in a network
    end     1. the resolver forgets the container   2. the file goes

The resolver outlives the engine; the next one compares what it knows with the endpoints. If it was
killed, another one gets sockets that are made anew, in the namespaces of the containers' processes.
A failure of the resolver is logged and fails no start: names are missing then, not containers.
"""

import contextlib
import logging
import os
from collections.abc import Callable, Iterable, Iterator, Sequence

from lading.failpoints import fp
from lading.networks.nameserver import sockets
from lading.networks.nameserver.servers import Upstream
from lading.networks.records import Endpoint
from lading.runtime import rundir
from lading.state import RunFiles
from lading.steward.client import Client, StewardError, StewardGone

log = logging.getLogger(__name__)
MAX_HOSTS = 500  # in one message to the resolver


class Nameserver:
    """The names of one engine. For the thread of the networks, whose namespace is the host's."""

    def __init__(
        self, exec_root: str, *, home: int, endpoints: Callable[[], Iterable[Endpoint]]
    ) -> None:
        """`home` is a descriptor of the host's namespace; `endpoints` are those with names."""
        self._exec_root = exec_root
        self._files = RunFiles(f"{exec_root}/resolver", Upstream, of="resolver of container")
        self._home = home
        self._endpoints = endpoints
        self._resolver = Client("resolver", exec_root)
        self._served: dict[str, Upstream] = {}

    @property
    def steward(self) -> Client:
        """The connection to the resolver, for whoever watches it."""
        return self._resolver

    def open(self) -> None:
        """Read the files. Nothing on the host changes."""
        self._served = self._files.load()

    def close(self) -> None:
        """Leave everything as it is for the next engine."""
        self._resolver.close()

    def containers(self) -> Sequence[str]:
        """The containers that are answered."""
        return [*self._served]

    def serve(self, container_id: str, namespace: int, upstream: Upstream) -> None:
        """Answer the container from now on, or ask others for it from now on."""
        is_new = container_id not in self._served
        self._served[container_id] = upstream
        self._files.write(container_id, upstream)
        fp("resolver.recorded")
        try:
            if is_new or not self._resolver.is_connected:
                self._serve(container_id, namespace, upstream)
            else:
                self._call("serve", _request(container_id, upstream))
        except OSError as error:
            log.error("names in container %s do not resolve: %s", container_id, error)
        fp("resolver.served")

    def put(self, endpoints: Iterable[Endpoint]) -> None:
        """Say or change who the containers are in their networks."""
        hosts = [_host(endpoint) for endpoint in endpoints]
        self._tell("put", [{"hosts": part} for part in _parts(hosts)])
        fp("resolver.named")

    def remove(self, endpoints: Iterable[Endpoint]) -> None:
        """Forget who they were."""
        pairs = [[endpoint.network_id, endpoint.container_id] for endpoint in endpoints]
        if self._resolver.is_connected:
            self._tell("remove", [{"hosts": part} for part in _parts(pairs)])

    def end(self, container_id: str) -> None:
        """Answer the container no more. Idempotent."""
        if self._served.pop(container_id, None) is None:
            return
        fp("resolver.before-end")
        if self._resolver.is_connected:
            self._tell("end", [{"containers": [container_id]}])
        self._files.remove(container_id)
        fp("resolver.ended")

    def reconcile(self, running: set[str]) -> None:
        """Forget containers that do not run; the resolver learns what it lacks."""
        for container in self.containers():
            if container not in running:
                self._served.pop(container)
                self._files.remove(container)
        if self._served or self._resolver.find():
            self.restore()

    def restore(self) -> None:
        """Make the resolver know just what it should, starting one if there is none."""
        try:
            self._restore()
        except OSError as error:
            log.error("names of containers do not resolve: %s", error)

    def differences(self) -> list[tuple[str, str]]:
        """What the resolver knows and should not, or the reverse, for the audit."""
        if not self._resolver.is_connected:
            return [("resolver", container) for container in self.containers()]
        try:
            known = self._resolver.call("list", {})
        except StewardGone:
            return [("resolver", container) for container in self.containers()]
        hosts = {(network, container) for network, container in known["hosts"]}
        wanted = {(one.network_id, one.container_id) for one in self._endpoints()}
        return [
            *(("resolver", one) for one in set(known["sandboxes"]) ^ self._served.keys()),
            *(("name", f"{network}/{container}") for network, container in hosts ^ wanted),
        ]

    def remove_everything(self) -> None:
        """Answer nobody, and know nobody."""
        for container in self.containers():
            self.end(container)
        if self._resolver.is_connected or self._resolver.find():
            with contextlib.suppress(OSError):
                known = self._resolver.call("list", {})
                self._resolver.call("end", {"containers": known["sandboxes"]})
                self._resolver.call("remove", {"hosts": known["hosts"]})
        self.close()

    def _restore(self, *, but: str = "") -> None:
        """See `restore`; `but` is a container that is served by the caller. Raises OSError."""
        if not self._resolver.find():
            if not self._served:
                return
            self._resolver.start()
        known = self._resolver.call("list", {})
        strangers = [one for one in known["sandboxes"] if one not in self._served]
        if strangers:
            self._resolver.call("end", {"containers": strangers})
        wanted = {(one.network_id, one.container_id): one for one in self._endpoints()}
        present = {(network, container) for network, container in known["hosts"]}
        if gone := [[*pair] for pair in present - wanted.keys()]:
            self._resolver.call("remove", {"hosts": gone})
        # all of them: names may have changed while there was no engine
        for part in _parts([_host(endpoint) for endpoint in wanted.values()]):
            self._resolver.call("put", {"hosts": part})
        for container in self._served.keys() - {*known["sandboxes"], but}:
            self._serve_again(container)

    def _serve_again(self, container_id: str) -> None:
        try:
            with self._namespace_of(container_id) as namespace:
                self._send(container_id, namespace, self._served[container_id])
        except (OSError, LookupError) as error:
            log.error("names in container %s do not resolve: %s", container_id, error)

    def _serve(self, container_id: str, namespace: int, upstream: Upstream) -> None:
        """Steps 2 and 3. Raises OSError."""
        try:
            if not self._resolver.is_connected:
                self._restore(but=container_id)  # which has no process yet
            self._send(container_id, namespace, upstream)
        except StewardGone:
            self._restore(but=container_id)
            self._send(container_id, namespace, upstream)

    def _send(self, container_id: str, namespace: int, upstream: Upstream) -> None:
        datagrams, streams = sockets.make(namespace, self._home)
        with datagrams, streams:
            descriptors = [datagrams.fileno(), streams.fileno(), namespace]
            self._resolver.call("serve", _request(container_id, upstream), descriptors)

    def _tell(self, op: str, requests: Iterable[dict[str, object]]) -> None:
        """Tell the resolver, or if it has died tell another one everything."""
        try:
            for request in requests:
                self._resolver.call(op, request)
        except StewardGone:
            self.restore()
        except StewardError as error:
            log.error("%s", error)

    def _call(self, op: str, request: dict[str, object]) -> None:
        try:
            self._resolver.call(op, request)
        except StewardGone:
            self._restore()

    @contextlib.contextmanager
    def _namespace_of(self, container_id: str) -> Iterator[int]:
        """Raises OSError, LookupError where it has no process."""
        state = rundir.read(f"{self._exec_root}/containers/{container_id}", rundir.STATE)
        if state is None:
            raise LookupError("it has no process")
        descriptor = sockets.of_process(int(state["pid"]))
        try:
            yield descriptor
        finally:
            os.close(descriptor)


def has_names(endpoint: Endpoint) -> bool:
    """Whether others find the container by a name there: not in the predefined networks."""
    return bool(endpoint.names and endpoint.interface)


def _request(container_id: str, upstream: Upstream) -> dict[str, object]:
    return {
        "container": container_id,
        "servers": [[*server] for server in upstream.servers],
        "forwards": upstream.forwards,
        "ndots_set": upstream.ndots_set,
    }


def _host(endpoint: Endpoint) -> dict[str, object]:
    return {
        "network": endpoint.network_id,
        "network_name": endpoint.network_name,
        "container": endpoint.container_id,
        "names": [*endpoint.names],
        "ip": endpoint.ip,
        "ipv6": endpoint.ipv6,
        "links": [[*link] for link in endpoint.links],
    }


def _parts(items: Sequence[object]) -> Iterator[Sequence[object]]:
    for start in range(0, len(items), MAX_HOSTS):
        yield items[start : start + MAX_HOSTS]
