"""User namespaces with networks that are their own, made for an engine with threads."""

import fcntl
import os
from collections.abc import Iterator

import pytest

from lading.errors import LadingError
from lading.runtime.client import NamespaceServer

NS_GET_USERNS = 0xB701  # _IO(0xb7, 1), include/uapi/linux/nsfs.h
MAP = [(0, 300_000, 1000)]


@pytest.fixture
def server() -> Iterator[NamespaceServer]:
    made = NamespaceServer.launch()
    yield made
    made.close()


def owner_of(namespace: int) -> int:
    users = fcntl.ioctl(namespace, NS_GET_USERNS)
    inode = os.fstat(users).st_ino
    os.close(users)
    return inode


def test_the_network_belongs_to_the_user_namespace(server: NamespaceServer) -> None:
    users, network = server.make(MAP, MAP)
    assert owner_of(network) == os.fstat(users).st_ino
    assert os.fstat(users).st_ino != os.stat("/proc/self/ns/user").st_ino
    for descriptor in (users, network):
        os.close(descriptor)


def test_another_network_can_be_made_in_the_same_user_namespace(server: NamespaceServer) -> None:
    users, first = server.make(MAP, MAP)
    same, second = server.make([], [], users)
    assert os.fstat(same).st_ino == os.fstat(users).st_ino
    assert os.fstat(first).st_ino != os.fstat(second).st_ino
    assert owner_of(second) == os.fstat(users).st_ino
    for descriptor in (users, first, same, second):
        os.close(descriptor)


def test_ids_that_make_no_map_are_told_and_it_goes_on(server: NamespaceServer) -> None:
    with pytest.raises(LadingError, match="cannot make a user namespace"):
        server.make([(0, 5, 1), (0, 6, 1)], MAP)
    for descriptor in server.make(MAP, MAP):
        os.close(descriptor)


def test_it_ends_with_its_last_client() -> None:
    server = NamespaceServer.launch()
    pid = server.pid
    server.close()
    assert not os.path.exists(f"/proc/{pid}")
