"""Work that nobody waits for is kept until it ends, and its errors are told."""

import asyncio

import pytest

from lading.background import Background


async def _fail() -> None:
    raise OSError("no space")


def test_an_error_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def scene() -> None:
        background = Background("volumes")
        background.start(_fail())
        await background.finish(timeout_s=5)
        await asyncio.sleep(0)
        assert "background work of volumes failed" in caplog.text
        assert "no space" in caplog.text
        assert not background.is_busy

    asyncio.run(scene())


def test_what_is_cancelled_has_ended_and_is_no_error(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def scene() -> None:
        background = Background("containers")
        background.start(asyncio.sleep(3600))
        assert background.is_busy
        await background.cancel()
        assert not background.is_busy
        assert caplog.text == ""

    asyncio.run(scene())


def test_to_finish_without_work_takes_no_time() -> None:
    async def scene() -> None:
        await Background("volumes").finish(timeout_s=3600)

    asyncio.run(scene())
