import os

import pytest

from lading.kernel import netns
from lading.kernel.netlink import link
from lading.networks import sandbox

pytestmark = pytest.mark.usefixtures("own_namespace")


def test_the_thread_comes_back_from_making_a_sandbox() -> None:
    home = netns.open_own()
    made = sandbox.create(home)
    here = netns.open_own()
    assert os.fstat(here) == os.fstat(home)
    assert os.fstat(made.fd).st_ino != os.fstat(home).st_ino
    assert [one.name for one in link.dump(made.socket)] == ["lo"]
    made.close()
    os.close(here)
    os.close(home)


def test_a_failure_in_a_sandbox_brings_the_thread_home_and_leaves_no_descriptor(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    home = netns.open_own()
    before = os.listdir("/proc/self/fd")

    def refuse() -> None:
        raise PermissionError

    monkeypatch.setattr(sandbox, "_leave_interfaces_without_ipv6", refuse)
    with pytest.raises(PermissionError):
        sandbox.create(home)
    here = os.stat("/proc/thread-self/ns/net")
    assert here.st_ino == os.fstat(home).st_ino
    assert os.listdir("/proc/self/fd") == before
    os.close(home)
