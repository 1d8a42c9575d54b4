"""Cancelling that holds.

A cancellation may be swallowed on its way: `asyncio.wait_for` before Python 3.12 does so when its answer
comes in the same moment, and libraries that end their own tasks do too. Once is therefore not enough.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

AGAIN_SECONDS = 0.2

Answer = TypeVar("Answer")


async def end(task: asyncio.Task[Any]) -> None:
    """Cancel until the task has ended, whatever it ended with."""
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=AGAIN_SECONDS)


async def cancellable(work: Coroutine[Any, Any, Answer]) -> Answer:
    """Await `work`; when the caller is cancelled, end it first, however often that takes."""
    task = asyncio.create_task(work)
    try:
        await asyncio.wait({task})
    finally:
        await end(task)
    return task.result()
