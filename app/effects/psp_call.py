"""The kind `psp.call`: one operation at one PSP; its answer goes to the merchant lane as `psp.answered`."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

import aiohttp
from msgspec.structs import replace

from app.access import Access
from app.checkout_links import CheckoutLinks
from app.domain.psp_calls import PspAnswer, PspAnswered, PspCall
from app.domain.streams import PAYMENTS_COMMANDS
from app.effects.kind import Answer, Attempt, Outcome
from app.effects.reporting import with_content_id
from app.psp.caller import WatchedCaller, open_caller
from app.psp.health import Health
from app.psp.registry import adapters

Told = Literal["done", "declined", "unknown", "misconfigured"]
OUTCOMES: Final[Mapping[str, Literal["done", "retry", "failed"]]] = {
    "done": "done",
    "declined": "done",
    "retry": "retry",
    "unknown": "retry",
    "misconfigured": "failed",
}
"""What a PSP answered -> what becomes of the effect."""
LEADING: Final = ("session", "authorize")
"""Operations that may lead the payer to a page of the PSP's."""


class PspCalls:
    """Calls PSPs through their adapters. `access`: PSP -> how its API is reached.

    `links`: payers come back to our checkout page; None: to the merchant's.
    """

    def __init__(self, access: Mapping[str, Access], links: CheckoutLinks | None = None) -> None:
        self._access = access
        self._links = links
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0), cookie_jar=aiohttp.DummyCookieJar()
        )  # the executor bounds what runs at once
        self._callers: dict[str, WatchedCaller] = {}

    async def perform(self, attempt: Attempt) -> Outcome:
        call = attempt.work
        if not isinstance(call, PspCall):
            raise TypeError(f"{type(call).__name__} is no call to a PSP")
        age = datetime.now(UTC) - attempt.requested_at
        answer = await self._ask(call, age, attempt.timeout_seconds)
        return Outcome(
            outcome=OUTCOMES[answer.kind],
            reason=answer.reason,
            retry_after_seconds=answer.retry_after_seconds,
            answers=() if answer.kind == "retry" else (_told(attempt, call, answer),),
        )

    async def close(self) -> None:
        await self._session.close()

    def health(self) -> dict[str, Health]:
        """PSP -> its figures since this process began."""
        return {psp: caller.health for psp, caller in self._callers.items()}

    async def _ask(self, call: PspCall, age: timedelta, seconds: float) -> PspAnswer:
        try:
            caller = self._caller(call.psp)
        except LookupError as error:
            return PspAnswer(kind="misconfigured", reason=str(error.args[0]))
        try:
            async with asyncio.timeout(seconds):
                return await caller.perform(self._led_back(call), age)
        except TimeoutError:
            return PspAnswer(kind="unknown", reason=f"no answer in {seconds:g} s")

    def _led_back(self, call: PspCall) -> PspCall:
        """With our page as the one that the PSP sends the payer's browser to."""
        if self._links is None or call.payment_id is None or call.operation not in LEADING:
            return call
        return replace(call, return_url=self._links.return_url(call.merchant_id, call.payment_id))

    def _caller(self, psp: str) -> WatchedCaller:
        """Raises LookupError with a sentence for a PSP that this worker cannot call."""
        if (known := self._callers.get(psp)) is not None:
            return known
        adapter, access = adapters().get(psp), self._access.get(psp)
        if adapter is None or adapter.connect is None:
            raise LookupError(f"{psp!r} is no PSP that can be called")
        if access is None:
            raise LookupError(f"TALLYSTICK_PSP_{psp.upper()}_API_KEY is not set for this worker")
        self._callers[psp] = open_caller(adapter, access, self._session)
        return self._callers[psp]


def _told(attempt: Attempt, call: PspCall, answer: PspAnswer) -> Answer:
    told: Told = answer.kind  # type: ignore[assignment]
    record = PspAnswered(
        id="-",
        merchant_id=call.merchant_id,
        effect_id=attempt.effect_id,
        psp=call.psp,
        operation=call.operation,
        payment_id=call.payment_id,
        object_id=call.object_id,
        outcome=told,
        facts=answer.facts,
        psp_object_id=answer.psp_object_id,
        url=answer.url,
        reason=answer.reason,
        answered_at=datetime.now(UTC),
    )
    return Answer(PAYMENTS_COMMANDS, call.merchant_id, with_content_id(record, attempt.effect_id))
