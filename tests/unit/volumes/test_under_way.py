"""Locks of names: one at a time, forgotten when nobody wants them, whoever is cancelled."""

import asyncio

import pytest

from lading.volumes.under_way import UnderWay


def test_one_after_the_other_works_on_a_name() -> None:
    async def main() -> list[str]:
        under_way, seen = UnderWay(), []

        async def work(word: str) -> None:
            async with under_way.locked("data"):
                seen.append(word)
                await asyncio.sleep(0)
                seen.append(word)

        await asyncio.gather(work("a"), work("b"))
        assert not under_way.is_busy
        return seen

    assert asyncio.run(main()) == ["a", "a", "b", "b"]


def test_a_name_is_held_until_the_last_has_let_go() -> None:
    async def main() -> None:
        under_way = UnderWay()
        async with under_way.locked("data"):
            assert under_way.is_locked("data")
            assert not under_way.is_locked("other")
        assert not under_way.is_locked("data")

    asyncio.run(main())


def test_one_who_is_cancelled_while_waiting_leaves_nothing() -> None:
    async def main() -> None:
        under_way = UnderWay()

        async def wait() -> None:
            async with under_way.locked("data"):
                raise AssertionError("unreachable")

        async with under_way.locked("data"):
            waiting = asyncio.ensure_future(wait())
            await asyncio.sleep(0)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
        assert not under_way.is_busy
        async with under_way.locked("data"):  # it can be had again
            pass

    asyncio.run(main())


def test_work_in_the_background_is_waited_for() -> None:
    async def main() -> None:
        under_way, done = UnderWay(), []

        async def work() -> None:
            await asyncio.sleep(0)
            done.append(1)

        under_way.in_background(work())
        assert under_way.is_busy
        await under_way.wait_background(5)
        await asyncio.sleep(0)
        assert done == [1]
        assert not under_way.is_busy

    asyncio.run(main())
