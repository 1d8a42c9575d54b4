"""In front of every PSP's caller: no card number leaves, no exception comes back, all is counted."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from time import monotonic
from typing import Any

import structlog

from app.domain.card_numbers import holds_card_number
from app.domain.psp_calls import PspAnswer, PspCall
from app.psp.adapter import Access, Adapter, Caller
from app.psp.answers import ended
from app.psp.health import Health

log = structlog.get_logger(__name__)


class WatchedCaller:
    """A PSP's Caller with its health."""

    def __init__(self, caller: Caller, health: Health, clock: Callable[[], float] = monotonic) -> None:
        self._caller, self._clock = caller, clock
        self.health = health

    async def perform(self, call: PspCall) -> PspAnswer:
        """The caller's answer. An exception of it is a fault of ours: loud, and the outcome unknown."""
        if call.payment_method is not None and holds_card_number(call.payment_method):
            return ended("declined", "payment_method holds a card number; a PSP's token is needed")
        began = self._clock()
        try:
            answer = await self._caller.perform(call)
        except Exception as fault:
            log.exception("psp_call_failed", psp=call.psp, operation=call.operation)
            answer = ended("unknown", f"a fault of this program: {type(fault).__name__}")
        self.health.add(answer, self._clock() - began, datetime.now(UTC))
        return answer


def open_caller(adapter: Adapter, access: Access, session: Any) -> WatchedCaller:
    """The PSP's API behind its guard. `session`: aiohttp's, of the caller.

    Raises ValueError for a PSP that cannot be called.
    """
    if adapter.connect is None:
        raise ValueError(f"{adapter.name} has no API that is called")
    return WatchedCaller(adapter.connect(access, session), Health(adapter.name))
