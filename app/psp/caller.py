"""In front of every PSP's caller: no card number leaves, no exception comes back, all is counted.

And nothing is paid twice because a PSP has forgotten the key: an operation that is repeated later than that
(a redrive, a worker that was down for long) is looked for first, or not sent at all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any, Final

import structlog

from app.domain.card_numbers import holds_card_number
from app.domain.psp_calls import PspAnswer, PspCall
from app.psp.adapter import Access, Adapter, Caller, LateCaller
from app.psp.answers import ended, kept
from app.psp.health import Health

GUARDED_BY_KEY_ALONE: Final = ("authorize", "refund", "payout")
"""A second capture or void the PSP refuses by the payment's state; a second page or look moves nothing."""

log = structlog.get_logger(__name__)


class WatchedCaller:
    """A PSP's Caller with its health."""

    def __init__(
        self,
        caller: Caller,
        health: Health,
        keys_kept: timedelta | None = None,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._caller, self._keys_kept, self._clock = caller, keys_kept, clock
        self.health = health

    async def perform(self, call: PspCall, age: timedelta = timedelta(0)) -> PspAnswer:
        """The caller's answer. An exception of it is a fault of ours: loud, and the outcome unknown.

        `age`: how long ago the operation was asked for, and so may have been performed first.
        """
        if call.payment_method is not None and holds_card_number(call.payment_method):
            return ended("declined", "payment_method holds a card number; a PSP's token is needed")
        began = self._clock()
        try:
            answer = kept(await self._answer(call, age))
        except asyncio.CancelledError:
            self.health.add(ended("unknown", "cut off"), self._clock() - began, datetime.now(UTC))
            raise
        except Exception as fault:
            log.exception("psp_call_failed", psp=call.psp, operation=call.operation)
            answer = ended("unknown", f"a fault of this program: {type(fault).__name__}")
        self.health.add(answer, self._clock() - began, datetime.now(UTC))
        return answer

    async def _answer(self, call: PspCall, age: timedelta) -> PspAnswer:
        is_known = self._keys_kept is None or age < self._keys_kept
        if is_known or call.operation not in GUARDED_BY_KEY_ALONE:
            return await self._caller.perform(call)
        if isinstance(self._caller, LateCaller):
            return await self._caller.perform_late(call)
        return ended("misconfigured", "asked for too long ago to be repeated safely: look at the PSP")


def open_caller(adapter: Adapter, access: Access, session: Any) -> WatchedCaller:
    """The PSP's API behind its guard. `session`: aiohttp's, of the caller.

    Raises ValueError for a PSP that cannot be called.
    """
    if adapter.connect is None:
        raise ValueError(f"{adapter.name} has no API that is called")
    return WatchedCaller(adapter.connect(access, session), Health(adapter.name), adapter.keys_kept)
