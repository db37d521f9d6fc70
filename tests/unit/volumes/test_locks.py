"""A lock is there as long as somebody wants it, and no longer."""

import asyncio

import pytest

from lading.volumes.locks import Locks


def test_of_two_who_want_a_name_one_waits() -> None:
    async def scene() -> None:
        locks, order = Locks(), []

        async def work(word: str) -> None:
            async with locks.held("data"):
                order.append(f"{word} begins")
                await asyncio.sleep(0)
                order.append(f"{word} ends")

        await asyncio.gather(work("first"), work("second"))
        assert order == ["first begins", "first ends", "second begins", "second ends"]
        assert not locks.is_any_held

    asyncio.run(scene())


def test_names_do_not_wait_for_each_other() -> None:
    async def scene() -> None:
        locks = Locks()
        async with locks.held("one"), locks.held("two"):
            assert locks.is_held("one")
            assert not locks.is_held("three")

    asyncio.run(scene())


def test_one_who_gives_up_waiting_leaves_nothing() -> None:
    async def scene() -> None:
        locks = Locks()
        await locks.acquire("data")
        waiting = asyncio.ensure_future(locks.acquire("data"))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert locks.is_held("data")
        locks.release("data")
        assert not locks.is_any_held

    asyncio.run(scene())
