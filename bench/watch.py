"""Memory of processes while they work, looked at a few times a second."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from bench.machine import rss_megabytes, seconds

EVERY_SECONDS: Final = 0.2


class Watched:
    """`now`, `most`: megabytes resident; `cpu_seconds`: the last that was seen of a process, gone or not."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.now = self.most = self.cpu_seconds = 0.0

    def look(self) -> None:
        if (megabytes := rss_megabytes(self.pid)) > 0:
            self.now, self.most = megabytes, max(self.most, megabytes)
            self.cpu_seconds = max(self.cpu_seconds, seconds(self.pid))


@asynccontextmanager
async def watched(pid: int) -> AsyncIterator[Watched]:
    """Looked at from now on until the block ends."""
    found = Watched(pid)
    task = asyncio.ensure_future(_look(found))
    try:
        yield found
    finally:
        task.cancel()
        found.look()


async def _look(found: Watched) -> None:
    while True:
        found.look()
        await asyncio.sleep(EVERY_SECONDS)
