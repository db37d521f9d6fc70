"""A blob is read to its end whatever happens to the connections."""

import hashlib
import random
import socket
import threading
import time
from typing import TYPE_CHECKING

import pytest

from lading.oci.manifest import Descriptor
from lading.registry.client import Cancellation, Cancelled, Repository, errors
from lading.registry.client.blob_reader import BlobReader
from lading.registry.client.repository import BlobDiffers
from lading.registry.client.retry import RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import CuttingProxy, DockerRegistry
    from tests.unit.registry.client.conftest import FaultServer

    RepositoryAt = Callable[[str], Repository]

CONTENT = random.Random(7).randbytes(3_000_000)
DESCRIPTOR = Descriptor(
    "application/octet-stream", f"sha256:{hashlib.sha256(CONTENT).hexdigest()}", len(CONTENT)
)
PATH = f"/v2/app/blobs/{DESCRIPTOR.digest}"


def read_all(reader: BlobReader) -> bytes:
    buffer, data = memoryview(bytearray(256 * 1024)), bytearray()
    while count := reader.readinto(buffer):
        data += buffer[:count]
    return bytes(data)


def test_a_blob_is_read_whole_and_from_an_offset(
    repository_at: "RepositoryAt", docker_registry: "DockerRegistry", cancellation: Cancellation
) -> None:
    docker_registry.push_blob("app", CONTENT)
    repository = repository_at(docker_registry.address)
    assert read_all(BlobReader(repository, DESCRIPTOR, cancellation=cancellation)) == CONTENT
    reader = BlobReader(repository, DESCRIPTOR, cancellation=cancellation, offset=2_999_990)
    assert read_all(reader) == CONTENT[-10:]


def test_a_cut_connection_is_resumed_where_it_stopped(
    repository_at: "RepositoryAt",
    docker_registry: "DockerRegistry",
    cutting_proxy: "Callable[[int, list[int]], CuttingProxy]",
    cancellation: Cancellation,
    hasty: RetryPolicy,
) -> None:
    docker_registry.push_blob("app", CONTENT)
    proxy = cutting_proxy(docker_registry.port, [1_000_000, 1_000_000, 500, 0])
    retries: list[float] = []
    reader = BlobReader(
        repository_at(proxy.address),
        DESCRIPTOR,
        cancellation=cancellation,
        policy=hasty,
        on_retry=lambda seconds, _: retries.append(seconds),
    )
    assert read_all(reader) == CONTENT
    assert proxy.connections == 5
    assert len(retries) == 4


def test_a_registry_without_ranges_is_read_anew_and_skipped(
    repository_at: "RepositoryAt",
    fault_server: "FaultServer",
    cancellation: Cancellation,
    hasty: RetryPolicy,
) -> None:
    answer = fault_server.answers["/v2/"][0]._replace(body=CONTENT)
    fault_server.answers[PATH] = [answer._replace(cut=1_500_000), answer]
    reader = BlobReader(
        repository_at(fault_server.address),
        DESCRIPTOR,
        cancellation=cancellation,
        policy=hasty,
    )
    assert read_all(reader) == CONTENT
    assert fault_server.requests[-1][2].get("Range", "").startswith("bytes=")


def test_a_connection_that_is_always_cut_is_given_up(
    repository_at: "RepositoryAt",
    fault_server: "FaultServer",
    cancellation: Cancellation,
    hasty: RetryPolicy,
) -> None:
    answer = fault_server.answers["/v2/"][0]._replace(body=CONTENT)
    fault_server.answers[PATH] = [answer._replace(cut=1000)]
    reader = BlobReader(
        repository_at(fault_server.address),
        DESCRIPTOR,
        cancellation=cancellation,
        policy=hasty,
    )
    with pytest.raises(errors.Truncated, match="unexpected EOF"):
        read_all(reader)
    assert len(fault_server.requests) == 5


def test_a_blob_of_another_size_is_refused_at_once(
    repository_at: "RepositoryAt", fault_server: "FaultServer", cancellation: Cancellation
) -> None:
    answer = fault_server.answers["/v2/"][0]._replace(body=CONTENT + b"more")
    fault_server.answers[PATH] = [answer]
    repository = repository_at(fault_server.address)
    with pytest.raises(BlobDiffers):
        read_all(BlobReader(repository, DESCRIPTOR, cancellation=cancellation))


def test_a_redirect_to_another_host_does_not_carry_the_token(
    repository_at: "RepositoryAt",
    fault_server: "FaultServer",
    docker_registry: "DockerRegistry",
    cancellation: Cancellation,
) -> None:
    docker_registry.push_blob("app", CONTENT)
    answer = fault_server.answers["/v2/"][0]
    realm = {"WWW-Authenticate": f'Bearer realm="{fault_server.url}/token"'}
    elsewhere = {"Location": f"{fault_server.url.replace('127.0.0.1', 'localhost')}/storage"}
    fault_server.answers[PATH] = [
        answer._replace(status=401, headers=realm),
        answer._replace(status=307, headers=elsewhere),
    ]
    fault_server.answers["/token"] = [answer._replace(body=b'{"access_token":"t"}')]
    fault_server.answers["/storage"] = [answer._replace(body=CONTENT)]
    repository = repository_at(fault_server.address)
    assert read_all(BlobReader(repository, DESCRIPTOR, cancellation=cancellation)) == CONTENT
    assert fault_server.authorizations(PATH) == [None, "Bearer t"]
    assert fault_server.authorizations("/storage") == [None]


def test_cancelling_wakes_a_reader_that_waits(
    repository_at: "RepositoryAt",
    docker_registry: "DockerRegistry",
    cutting_proxy: "Callable[[int, list[int]], CuttingProxy]",
    cancellation: Cancellation,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        repository = repository_at(f"127.0.0.1:{silent.getsockname()[1]}")
        reader = BlobReader(repository, DESCRIPTOR, cancellation=cancellation)
        threading.Timer(0.1, cancellation.cancel).start()
        began = time.monotonic()
        with pytest.raises(Cancelled):
            read_all(reader)
        assert time.monotonic() - began < 2


def test_a_registry_reuses_its_connections(
    repository_at: "RepositoryAt",
    docker_registry: "DockerRegistry",
    cutting_proxy: "Callable[[int, list[int]], CuttingProxy]",
    cancellation: Cancellation,
) -> None:
    docker_registry.push_blob("app", CONTENT)
    proxy = cutting_proxy(docker_registry.port, [])
    repository = repository_at(proxy.address)
    repository.ping()
    for _ in range(3):
        assert read_all(BlobReader(repository, DESCRIPTOR, cancellation=cancellation)) == CONTENT
    assert proxy.connections == 1
