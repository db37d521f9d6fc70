"""Sizes of terminals."""

import os

from lading.kernel import tty


def test_a_size_that_is_too_large_is_cut_as_go_cuts_it() -> None:
    master, terminal = os.openpty()
    try:
        tty.set_size(terminal, 70_000, 7)
        assert tty.get_size(terminal) == (70_000 - 65_536, 7)
    finally:
        os.close(master)
        os.close(terminal)
