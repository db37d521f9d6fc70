import errno
import os

import pytest

from lading.kernel.netlink import NetlinkSocket, address, link

pytestmark = pytest.mark.usefixtures("own_namespace")


def test_several_requests_go_in_one_send() -> None:
    with NetlinkSocket() as socket:
        socket.request(
            link.set_up(1), address.add(1, "10.9.0.1", 24), address.add(1, "10.9.1.1", 24)
        )
        assert [a.ip for a in address.dump(socket)] == ["127.0.0.1", "10.9.0.1", "10.9.1.1"]


def test_a_failure_is_an_oserror_in_the_words_of_the_kernel() -> None:
    with (
        NetlinkSocket() as socket,
        pytest.raises(OSError, match="No such device") as caught,
    ):
        socket.request(link.set_up(1), address.add(77, "10.9.0.1", 24))
    assert caught.value.errno == errno.ENODEV


def test_the_first_failure_of_several_is_the_one_raised() -> None:
    with NetlinkSocket() as socket, pytest.raises(FileExistsError):
        socket.request(
            link.add_bridge("lo", mac="02:42:00:00:00:01", mtu=1500),
            address.add(77, "10.9.0.1", 24),
            link.set_up(1),
        )


def test_a_socket_goes_on_after_a_failure_in_the_middle_of_a_send() -> None:
    with NetlinkSocket() as socket:
        for _ in range(3):
            with pytest.raises(OSError, match="No such device"):
                socket.request(link.set_up("absent"), link.set_up(77), link.set_up(1))
            assert [one.name for one in link.dump(socket)] == ["lo"]
            assert link.get(socket, "absent") is None
            socket.request(link.set_up(1))


def test_a_dump_of_many_datagrams_is_complete() -> None:
    with NetlinkSocket() as socket:
        for part in range(4):
            socket.request(*(address.add(1, f"10.{part}.{n}.1", 24) for n in range(250)))
        assert len(address.dump(socket)) == 1000


def test_a_socket_is_closed_on_exec_and_closing_twice_is_harmless() -> None:
    before = set(os.listdir("/proc/self/fd"))
    socket = NetlinkSocket()
    opened = {int(n) for n in os.listdir("/proc/self/fd") if n not in before}
    assert all(not os.get_inheritable(n) for n in opened if os.path.exists(f"/proc/self/fd/{n}"))
    socket.close()
    socket.close()


def test_the_errors_of_a_request_are_not_taken_for_the_next_answer() -> None:
    with NetlinkSocket() as socket:
        for _ in range(3):
            with pytest.raises(OSError, match="No such device"):
                socket.request(*(link.set_up(f"absent{n}") for n in range(4)))
            found = link.get(socket, "lo")
            assert found is not None
            assert found.name == "lo"
