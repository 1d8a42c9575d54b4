"""What the sandbox PSP does by itself: pays payouts, sends refunds back, lets authorisations lapse."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from app.sandbox import charges, payouts, returns
from app.sandbox.books import KINDS
from app.sandbox.desk import Desk
from app.sandbox.draft import Draft
from app.sandbox.faults import Chance, Faults
from app.sandbox.objects import Charge, Payout, Refund, Session

LONGEST_NAP_SECONDS = 0.05
"""Something may have become due sooner since."""


class Clockwork:
    def __init__(self, desk: Desk, chance: Chance, faults: Callable[[], Faults]) -> None:
        self._desk, self._chance, self._faults = desk, chance, faults

    async def run(self) -> None:
        while True:
            self.tick()
            await asyncio.sleep(LONGEST_NAP_SECONDS)

    def tick(self) -> None:
        """Everything that is due by now, in the order it became due. Raises OSError: the journal is lost."""
        if self._desk.broken is not None:
            raise self._desk.broken
        due, now = self._desk.books.due, self._desk.now
        while due and due[0][0] <= now:
            when, kind, thing_id = heapq.heappop(due)
            self._do(when, kind, thing_id)

    def _do(self, when: datetime, kind: str, thing_id: str) -> None:
        found: Any = self._desk.books.all(KINDS[kind]).get(thing_id)
        if found is None or found.due_at != when:
            return
        self._desk.perform(thing_id, lambda draft: self._due(draft, found))

    def _due(self, draft: Draft, found: Any) -> Any:
        match found:
            case Payout():
                self._payout(draft, found)
            case Refund():
                returns.fail_refund(draft, found.id, payouts.CLOSED)
            case Charge():
                charges.expire_authorization(draft, found)
            case Session():
                charges.expire_session(draft, found)
        return found

    def _payout(self, draft: Draft, payout: Payout) -> None:
        """Decided by its destination, else drawn by its id."""
        if payout.status == "paid":
            payouts.return_payout(draft, payout.id)
            return
        faults = self._faults()
        if self._will(payout, payouts.FAILS, faults.payouts_failing, "payout fails"):
            payouts.fail_payout(draft, payout.id)
            return
        comes_back = self._will(payout, payouts.RETURNS, faults.payouts_returned, "payout returns")
        later = draft.now + timedelta(seconds=faults.return_delay_seconds)
        payouts.pay_payout(draft, payout.id, later if comes_back else None)

    def _will(self, payout: Payout, destination: str, rate: float, what: str) -> bool:
        return payout.destination == destination or self._chance.happens(rate, what, payout.id)
