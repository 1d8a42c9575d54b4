"""Closing aiokafka's clients without catching what happens inside them."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

CLOSE_SECONDS = 5.0


async def close_quietly(stopping: Coroutine[Any, Any, None], within_seconds: float = CLOSE_SECONDS) -> None:
    """Wait for a client's `stop()`, at most so long, whatever becomes of it: nothing of it is used any more.

    aiokafka's consumer cancels its own requests when it stops and lets their CancelledError out. To whoever
    awaits that, it looks as if *he* had been cancelled; watchdogs and recoveries ended that way in silence.
    """
    task = asyncio.ensure_future(stopping)
    try:
        await asyncio.wait([task], timeout=within_seconds)
    finally:
        task.cancel()
    if task.done() and not task.cancelled():
        task.exception()  # what was not acknowledged has been reported to its caller
