"""Read your own write: wait until a lane has committed a position. One poller for all who wait."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from app.domain.streams import LANE_CODES
from app.store.api import LaneId
from app.store.web_reads import positions_of
from web.params import read_position
from web.problems import Problem, invalid

WAIT_SECONDS: Final = 2.0
POLL_SECONDS: Final = 0.02

Waiter = tuple[LaneId, int, "asyncio.Future[None]"]


class PositionWaiter:
    """However many requests wait, PostgreSQL sees one small query per poll."""

    def __init__(self, pool: Any, wait_seconds: float = WAIT_SECONDS) -> None:
        self._pool = pool
        self._wait_seconds = wait_seconds
        self._waiters: set[Waiter] = set()
        self._poller: asyncio.Task[None] | None = None

    async def wait_for(self, text: str | None) -> None:
        """Return once `topic:partition:offset` is committed. 422 for a malformed one, 409 after 2 s."""
        if text is None:
            return
        lane, offset = read_position(text)
        if lane.topic not in LANE_CODES:
            raise invalid(
                "min_position", f"{lane.topic!r} is not a lane; lanes: {', '.join(sorted(LANE_CODES))}"
            )
        waiter: Waiter = (lane, offset, asyncio.get_running_loop().create_future())
        self._waiters.add(waiter)
        self._ensure_polling()
        try:
            async with asyncio.timeout(self._wait_seconds):
                await waiter[2]
        except TimeoutError:
            raise Problem(
                "not_yet", f"{lane} has not committed offset {offset} yet", {"Retry-After": "1"}
            ) from None
        finally:
            self._waiters.discard(waiter)

    def _ensure_polling(self) -> None:
        if self._poller is None or self._poller.done():
            self._poller = asyncio.create_task(self._poll())

    async def _poll(self) -> None:
        """Runs while somebody waits. An error goes to everyone who waits now; later ones start anew."""
        try:
            while self._waiters:
                positions = await positions_of(self._pool, {lane for lane, _, _ in self._waiters})
                for lane, offset, done in self._waiters:
                    if positions.get(lane, 0) > offset and not done.done():
                        done.set_result(None)
                await asyncio.sleep(POLL_SECONDS)
        except Exception as error:
            for _, _, done in self._waiters:
                if not done.done():
                    done.set_exception(error)

    async def stop(self) -> None:
        if self._poller is not None:
            self._poller.cancel()
            await asyncio.gather(self._poller, return_exceptions=True)
