"""What the demo plants: which payment it needs, and what it does to it.

A defect of a settlement is made by `settlement.py`; what is told about the payment itself is made here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from app.demo.market import CURRENCIES, PSPS, Psp, draw_amount
from app.demo.payments import DAY_SECONDS, LATE_DAYS, Payments, any_psp
from app.demo.reports import Reports
from app.demo.settlement import Settlements
from app.demo.stream import Stream
from app.demo.truth import CATEGORIES


def closes_soon(psp: Psp) -> bool:
    """Its windows close before a demo ends."""
    return psp.window_seconds < DAY_SECONDS


def stays_open(psp: Psp) -> bool:
    return not closes_soon(psp)


def posts(psp: Psp) -> bool:
    return psp.posts


NEEDS: Final[Mapping[str, Callable[[Psp], bool]]] = {
    "AMOUNT_UNDER": closes_soon,
    "PARTIAL_SETTLEMENT": stays_open,
    "MISSING_SETTLEMENT": closes_soon,
}
"""Which PSP a payment with this defect must be at; any other goes anywhere."""
TIMES: Final = (1, 50, 500)
"""Usual amounts, and some so large that their mismatches are severe."""


class Plants:
    """One method per way to plant; `plant` chooses."""

    def __init__(
        self, stream: Stream, payments: Payments, reports: Reports, settlements: Settlements
    ) -> None:
        self._stream = stream
        self._payments = payments
        self._reports = reports
        self._settlements = settlements
        self._special: dict[str, Callable[[float], None]] = {
            "LATE": self._late,
            "MISSING_PAYMENT": self._unknown_payment,
            "DISPUTE_UNMATCHED": self._unknown_dispute,
            "DUPLICATE_PAYMENT": self._paid_twice,
            "STATUS_MISMATCH": self._captured_though_ended,
            "AMBIGUOUS": self._ambiguous,
        }

    def plant(self, at: float, category: str) -> None:
        """Plant one of `CATEGORIES` with all that belongs to it."""
        special = self._special.get(category)
        if special is not None:
            special(at)
        else:
            times = self._stream.random.choices(TIMES, (85, 12, 3))[0]
            payment = self._payments.draw(NEEDS.get(category, any_psp), times)
            self._payments.send(at, payment, category)

    def any(self, at: float) -> None:
        self.plant(at, self._stream.random.choice(CATEGORIES))

    def told_apart_by_amount(self, at: float) -> None:
        """Two payments under one order, settled under that order alone: no mismatch, once windows close."""
        first = self._payments.draw(closes_soon, teller="us")
        second = self._payments.like(first, amount=first.amount + self._stream.random.randint(200, 900))
        for payment in (first, second):
            self._payments.tell(at, payment)
            self._settlements.by_order_only(at, payment)

    def lapse(self, at: float) -> None:
        """A payment that is authorised and never captured: no money, and nothing is missing."""
        payment = self._payments.draw(posts, teller="psp", is_named=True)
        self._stream.truth.payments += 1
        ended = self._stream.random.choice(("voided", "expired"))
        for kind in ("authorized", ended):
            self._payments.report(kind, at, payment)

    def _late(self, at: float) -> None:
        """Captured days ago, told and settled only now."""
        payment = self._payments.draw(teller="us", happened=at - LATE_DAYS * DAY_SECONDS)
        self._payments.send(at, payment, "LATE")

    def _paid_twice(self, at: float) -> None:
        """The same payer pays the same invoice again; the one with the larger id counts as the repeat."""
        stream = self._stream
        invoice, tax_id = stream.new_id("INV-"), stream.new_id("DE")
        first = self._payments.draw(teller="us", invoice_id=invoice, tax_id=tax_id, happened=at)
        second = self._payments.like(first, order_ref=stream.new_id("o-"))
        stream.truth.plant("DUPLICATE_PAYMENT", max(first, second, key=lambda each: each.id).own_name)
        self._payments.send(at, first)
        self._payments.send(at + stream.soon(0.2, 1.5), second)

    def _captured_though_ended(self, at: float) -> None:
        """The PSP says that the authorisation ended, and somebody that money was taken all the same."""
        payment = self._payments.draw(posts)
        self._stream.truth.plant("STATUS_MISMATCH", payment.own_name)
        self._payments.send(at, payment)
        ended = self._stream.random.choice(("voided", "expired"))
        self._payments.report(ended, at + self._stream.soon(0.1, 1.5), payment)

    def _unknown_payment(self, at: float) -> None:
        """Nobody announces it: all there is is a line, or webhooks that name nothing of ours."""
        stream = self._stream
        if stream.chance(0.5):
            psp, currency, amount = self._somewhere(any_psp)
            self._settlements.stray(at, psp, "capture", amount, currency, "MISSING_PAYMENT")
            return
        psp, currency, amount = self._somewhere(posts)
        psp_id = stream.new_id(psp.payment_prefix)
        stream.truth.plant("MISSING_PAYMENT", f"{psp.name}:{psp_id}")
        for kind in ("authorized", "captured"):
            self._reports.tell(psp, kind, at, psp_id, amount, currency)

    def _unknown_dispute(self, at: float) -> None:
        psp, currency, amount = self._somewhere(any_psp)
        self._settlements.stray(at, psp, "chargeback", amount, currency, "DISPUTE_UNMATCHED")

    def _somewhere(self, fits: Callable[[Psp], bool]) -> tuple[Psp, str, int]:
        random = self._stream.random
        psp = random.choice([psp for psp in PSPS.values() if fits(psp)])
        currency = random.choice([code for code in CURRENCIES if code in psp.plan.fixed])
        return psp, currency, draw_amount(random, currency)

    def _ambiguous(self, at: float) -> None:
        """Two payments of one amount under one order, and one line that names nothing but the order."""
        first = self._payments.draw(closes_soon, teller="us")
        second = self._payments.like(first)
        for payment in (first, second):
            self._payments.tell(at, payment)
            self._stream.truth.plant("MISSING_SETTLEMENT", payment.name)
        order = f"{first.psp.name}:{first.order_ref}"
        self._settlements.by_order_only(at, first, ("AMBIGUOUS", order))
