"""Faults of the web process while webhooks come: killed, paused, and its log's broker killed under it."""

from __future__ import annotations

import asyncio
import time

from tests.hazards.faults import Hazards
from tests.hazards.posting import Poster


async def kill_web(hazards: Hazards, poster: Poster) -> float:
    """SIGKILL; the supervisor starts it again. Returns the seconds until the new one has stored a webhook."""
    runner, name, began = hazards.cluster.runner, hazards.web, time.monotonic()
    before = runner.starts(name)
    runner.kill(name)
    await hazards.until(lambda: runner.starts(name) > before, f"{name} to come back")
    return await _stored_again(hazards, poster, began)


async def pause_web(hazards: Hazards, poster: Poster) -> float:
    """SIGSTOP until some sender has given up on an answer; what it sent may be stored later all the same."""
    runner, name, began = hazards.cluster.runner, hazards.web, time.monotonic()
    before = poster.answers[0]
    runner.pause(name)
    try:
        await hazards.until(lambda: poster.answers[0] > before, "a sender to give up")
    finally:
        runner.resume(name)
    return await _stored_again(hazards, poster, began)


async def kill_web_and_broker(hazards: Hazards, poster: Poster) -> float:
    """The new process finds no Kafka at first, or an old broker is gone in the middle of a request."""
    began = time.monotonic()
    await asyncio.gather(kill_web(hazards, poster), hazards.kill_broker())
    return await _stored_again(hazards, poster, began)


async def kill_web_and_worker(hazards: Hazards, poster: Poster) -> float:
    took, _ = await asyncio.gather(kill_web(hazards, poster), hazards.kill(hazards.some_stayer()))
    return took


async def _stored_again(hazards: Hazards, poster: Poster, began: float) -> float:
    """A webhook was stored that was sent after now."""
    now = time.monotonic()
    await hazards.until(lambda: poster.stored_at > now, "a webhook to be stored")
    return poster.stored_at - began
