"""Who waits for a container is woken by what they wait for, and by nothing else."""

import asyncio
import os
from collections.abc import Callable, Coroutine

import pytest

from lading.containers.container import Container, Run
from lading.containers.record import ContainerRecord, ContainerState

MakeRecord = Callable[..., ContainerRecord]
RUNNING = ContainerState(status="running", pid=7)
EXITED = ContainerState(status="exited", exit_code=3)


def play(scene: Coroutine[None, None, None]) -> None:
    asyncio.run(scene)


@pytest.mark.parametrize("condition", ["", "not-running"])
def test_waiting_for_what_does_not_run_ends_at_once(
    make_record: MakeRecord, condition: str
) -> None:
    async def scene() -> None:
        future = Container(make_record(state=EXITED)).wait_nowait(condition)
        assert future.result().status_code == 3

    play(scene())


@pytest.mark.parametrize("condition", ["", "not-running", "next-exit"])
def test_an_exit_wakes_who_waits_for_it(make_record: MakeRecord, condition: str) -> None:
    async def scene() -> None:
        container = Container(make_record(state=RUNNING))
        future = container.wait_nowait(condition)
        assert not future.done()
        container.record = make_record(state=EXITED)
        container.announce_exit()
        assert future.result().status_code == 3

    play(scene())


def test_a_container_that_has_exited_may_exit_again(make_record: MakeRecord) -> None:
    async def scene() -> None:
        container = Container(make_record(state=EXITED))
        assert not container.wait_nowait("next-exit").done()

    play(scene())


def test_who_waits_for_removal_sleeps_through_an_exit(make_record: MakeRecord) -> None:
    async def scene() -> None:
        container = Container(make_record(state=EXITED))
        future = container.wait_nowait("removed")
        container.announce_exit()
        assert not future.done()
        container.announce_removal()
        assert future.result().status_code == 3

    play(scene())


def test_a_removal_wakes_who_waits_for_an_exit(make_record: MakeRecord) -> None:
    async def scene() -> None:
        container = Container(make_record(state=EXITED))
        future = container.wait_nowait("next-exit")
        container.announce_removal()
        assert future.done()
        assert container.is_removed

    play(scene())


def test_one_who_gave_up_waiting_disturbs_no_other(make_record: MakeRecord) -> None:
    async def scene() -> None:
        container = Container(make_record(state=RUNNING))
        gone, staying = container.wait_nowait(""), container.wait_nowait("")
        gone.cancel()
        container.announce_exit()
        assert staying.done()

    play(scene())


def test_every_change_wakes_its_followers_once(make_record: MakeRecord) -> None:
    async def scene() -> None:
        container = Container(make_record())
        for _ in range(2):
            following = asyncio.ensure_future(container.wait_change())
            await asyncio.sleep(0)
            assert not following.done()
            container.note_change()
            await following

    play(scene())


def test_a_follower_that_gives_up_leaves_the_others(make_record: MakeRecord) -> None:
    async def scene() -> None:
        container = Container(make_record())
        gone, staying = (asyncio.ensure_future(container.wait_change()) for _ in range(2))
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.sleep(0)
        container.note_change()
        await staying

    play(scene())


def test_input_that_no_run_took_is_closed_at_removal(make_record: MakeRecord) -> None:
    async def scene() -> None:
        reading, writing = os.pipe()
        container = Container(make_record())
        container.pending_stdin.append((writing, True))
        container.announce_removal()
        assert os.read(reading, 1) == b""
        os.close(reading)

    play(scene())


def test_events_of_the_monitor_end_the_waiting_for_them() -> None:
    async def scene() -> None:
        run = Run()
        run.exec_exits["e1"] = asyncio.get_running_loop().create_future()
        run.handle({"event": "started", "pid": 7})
        run.handle({"event": "exec_exited", "exec_id": "e1", "exit_code": 4})
        run.handle({"event": "exited", "exit_code": 0})
        assert run.started.result()["pid"] == 7
        assert run.exec_exits["e1"].result() == 4
        assert run.exited.result() == {"event": "exited", "exit_code": 0}

    play(scene())


def test_an_event_said_twice_or_unknown_is_harmless() -> None:
    async def scene() -> None:
        run = Run()
        run.handle({"event": "started", "pid": 7})
        for event in ({"event": "failed"}, {"event": "news"}, {}, {"event": "exec_exited"}):
            run.handle({**event})
        assert run.started.result()["pid"] == 7

    play(scene())


def test_a_monitor_that_vanishes_answers_everything_that_is_open() -> None:
    async def scene() -> None:
        run = Run()
        run.exec_exits["e1"] = asyncio.get_running_loop().create_future()
        run.handle_close()
        assert run.started.result()["event"] == "failed"
        assert run.exited.result() is None
        assert run.exec_exits["e1"].result() == 137

    play(scene())


def test_what_was_said_before_a_monitor_vanished_stands() -> None:
    async def scene() -> None:
        run = Run()
        run.handle({"event": "started", "pid": 7})
        run.handle({"event": "exited", "exit_code": 5})
        run.handle_close()
        assert run.started.result()["event"] == "started"
        assert run.exited.result() == {"event": "exited", "exit_code": 5}

    play(scene())


@pytest.mark.parametrize("wake", [Run.note_end, Run.handle_close, Run.note_log_growth])
def test_a_reader_of_the_log_is_woken(wake: Callable[[Run], None]) -> None:
    async def scene() -> None:
        run = Run()
        waiting = asyncio.ensure_future(run.wait_log_growth(0))
        await asyncio.sleep(0)
        assert not waiting.done()
        wake(run)
        await waiting

    play(scene())


def test_a_run_ends_once() -> None:
    async def scene() -> None:
        run = Run()
        assert not run.has_ended
        run.note_end()
        run.note_end()
        assert run.has_ended

    play(scene())
