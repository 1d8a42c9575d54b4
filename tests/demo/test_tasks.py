"""A task that swallows a cancellation is ended all the same."""

from __future__ import annotations

import asyncio

import pytest

from app.demo import tasks


async def stubborn(swallow: int) -> str:
    """Swallows so many cancellations before it gives in."""
    while True:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            if swallow == 0:
                raise
            swallow -= 1


@pytest.mark.parametrize("swallowed", [0, 1, 3])
async def test_it_is_cancelled_until_it_has_ended(swallowed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "AGAIN_SECONDS", 0.01)
    caller = asyncio.create_task(tasks.cancellable(stubborn(swallowed)))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    caller.cancel()
    async with asyncio.timeout(5):
        with pytest.raises(asyncio.CancelledError):
            await caller
    assert len(asyncio.all_tasks()) == 1


async def test_answers_and_errors_come_through() -> None:
    async def work(fail: bool) -> int:
        if fail:
            raise ValueError("no")
        return 7

    assert await tasks.cancellable(work(False)) == 7
    with pytest.raises(ValueError, match="no"):
        await tasks.cancellable(work(True))
