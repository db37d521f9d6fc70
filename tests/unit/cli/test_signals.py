"""Signals are kept, passed on, and in the end obeyed."""

from __future__ import annotations

import os
import signal

import pytest

from lading.cli import signals
from lading.cli.failures import Ended


def send(number: int) -> None:
    os.kill(os.getpid(), number)


def test_signals_are_kept_until_the_container_runs() -> None:
    sent: list[int] = []
    with signals.SignalProxy(sent.append) as proxy:
        send(signal.SIGUSR1)
        assert sent == []
        proxy.release()
        assert sent == [signal.SIGUSR1]
        send(signal.SIGTERM)
        assert sent == [signal.SIGUSR1, signal.SIGTERM]


def test_the_third_interrupt_ends_the_command() -> None:
    sent: list[int] = []
    with signals.SignalProxy(sent.append) as proxy:
        proxy.release()
        send(signal.SIGINT)
        send(signal.SIGTERM)
        with pytest.raises(Ended) as caught:
            send(signal.SIGINT)
    assert caught.value.code == 1
    assert sent == [signal.SIGINT, signal.SIGTERM]


def test_handlers_are_put_back_and_ignored_signals_stay_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        interrupt = signal.getsignal(signal.SIGINT)
        with signals.SignalProxy(print):
            assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
            assert signal.getsignal(signal.SIGINT) != interrupt
        assert signal.getsignal(signal.SIGINT) == interrupt
    finally:
        signal.signal(signal.SIGHUP, before)


def test_signals_about_this_process_are_its_own() -> None:
    passed = signals.proxied()
    for number in (signal.SIGCHLD, signal.SIGPIPE, signal.SIGURG, signal.SIGKILL, signal.SIGTTIN):
        assert number not in passed
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGWINCH):
        assert number in passed
