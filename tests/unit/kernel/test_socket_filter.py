import socket
from contextlib import closing

import pytest

from lading.kernel import socket_filter


def test_nothing_arrives_at_a_datagram_socket() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf:
        socket_filter.drop_all(deaf)
        deaf.bind(("127.0.0.1", 0))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"word", deaf.getsockname())
        with pytest.raises(BlockingIOError):
            deaf.recv(10, socket.MSG_DONTWAIT)


def test_nobody_connects_to_a_listening_socket_and_nobody_is_refused() -> None:
    with socket.socket() as deaf:
        socket_filter.drop_all(deaf)
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        with closing(socket.socket()) as caller:
            caller.settimeout(0.1)
            with pytest.raises(TimeoutError):
                caller.connect(deaf.getsockname())
