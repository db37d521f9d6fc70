import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from lading.kernel import netns


def test_only_the_calling_thread_moves_to_a_new_namespace() -> None:
    def move_and_return() -> tuple[int, int]:
        home = netns.open_own()
        netns.unshare()
        away = os.stat("/proc/thread-self/ns/net").st_ino
        netns.setns(home)
        os.close(home)
        return away, os.stat("/proc/thread-self/ns/net").st_ino

    here = os.stat("/proc/thread-self/ns/net").st_ino
    with ThreadPoolExecutor(1) as thread:
        away, back = thread.submit(move_and_return).result()
    assert away != here
    assert back == here == os.stat("/proc/thread-self/ns/net").st_ino


def test_a_descriptor_of_something_else_is_refused() -> None:
    descriptor = os.open("/proc/self/ns/uts", os.O_RDONLY | os.O_CLOEXEC)
    with pytest.raises(OSError, match="Invalid argument"):
        netns.setns(descriptor)
    os.close(descriptor)
