"""Wait for conditions with a deadline, instead of sleeping and hoping."""

from __future__ import annotations

import asyncio
import inspect
import socket
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar, overload

Answer = TypeVar("Answer")
POLL_SECONDS = 0.02


def wait_for(condition: Callable[[], Answer], within_seconds: float, what: str) -> Answer:
    """Poll until the condition's answer is true, and return it; AssertionError names `what` and it."""
    deadline = time.monotonic() + within_seconds
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {within_seconds} s for {what}; the last answer was {answer!r}")
        time.sleep(POLL_SECONDS)


@overload
async def eventually(
    condition: Callable[[], Awaitable[Answer]], within_seconds: float, what: str
) -> Answer: ...
@overload
async def eventually(condition: Callable[[], Answer], within_seconds: float, what: str) -> Answer: ...
async def eventually(
    condition: Callable[[], Answer | Awaitable[Answer]], within_seconds: float, what: str
) -> Answer:
    """The same for async tests; the condition may be a plain function or a coroutine function."""
    deadline = asyncio.get_running_loop().time() + within_seconds
    while True:
        answer = condition()
        if inspect.isawaitable(answer):
            answer = await answer
        if answer:
            return answer
        if asyncio.get_running_loop().time() > deadline:
            raise AssertionError(f"waited {within_seconds} s for {what}; the last answer was {answer!r}")
        await asyncio.sleep(POLL_SECONDS)


def free_port() -> int:
    """A TCP port on the loopback interface that the system says is free."""
    with socket.socket() as any_port:
        any_port.bind(("127.0.0.1", 0))
        port: int = any_port.getsockname()[1]
        return port
