"""Stories whose end is known: payments at the sandbox PSP, told by upstream, webhooks and settlement lines.

Each story has ids, amounts and references that no other has, so what must be matched with what, and which
exceptions must be open once all windows have closed, follows from the story alone. Its parts come in any
order, some of them after a window of seconds has closed; what that opened must have resolved by the end.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.hazards.story_parts import Event
from tests.hazards.storytelling import FEE_BPS, PSP, Storyteller


class Stories(Storyteller):
    """Every story there is; `tell` begins one of them."""

    # -- a capture and its line ----------------------------------------------------------------------------

    def tell_exact(self) -> None:
        of = self.payment()
        self.captured(of)
        self.settled(of, self.line(of))

    def tell_exact_by_reference_alone(self) -> None:
        of = self.payment()
        self.captured(of, psp_id=False)
        by = self.random.choice(("reference", "other"))
        self.settled(of, self.line(of, by=by), identity=f"{of.merchant}/{of.payment}")

    def tell_parts(self) -> None:
        of = self.payment()
        self.captured(of)
        half: dict[str, Any] = {"gross": of.amount // 2, "fee": of.amount // 2 * FEE_BPS // 10_000}
        rest = {"batch_id": "S-rest"}
        self.settled(of, self.line(of, **half), self.line(of, **half, **rest))

    def tell_over(self) -> None:
        self._amiss("AMOUNT_OVER", whole=True, more=7)

    def tell_under(self) -> None:
        self._amiss("AMOUNT_UNDER", whole=False, more=-7)

    def _amiss(self, category: str, whole: bool, more: int) -> None:
        of = self.payment()
        self.captured(of)
        self.settled(of, self.line(of, gross=of.amount + more), whole=whole)
        self.opens(category, of.payment)

    def tell_fee(self) -> None:
        of = self.payment(amount=40_000)
        self.captured(of)
        self.settled(of, self.line(of, fee=900))
        self.opens("FEE_VARIANCE", of.payment)

    def tell_currency(self) -> None:
        of = self.payment()
        self.captured(of)
        other = "USD" if of.currency == "EUR" else "EUR"
        self.settled(of, self.line(of, currency=other), whole=False)
        self.opens("CURRENCY_MISMATCH", of.payment)

    def tell_direction(self) -> None:
        of = self.payment()
        self.captured(of)
        self.settled(of, self.line(of, gross=-of.amount), whole=False)
        self.opens("DIRECTION_MISMATCH", of.payment)

    def tell_late(self) -> None:
        of = self.payment()
        self.captured(of)
        late = (of.booked_on + timedelta(days=30)).isoformat()
        self.settled(of, self.line(of, booked_on=late))
        self.opens("LATE", of.payment)

    def tell_fx(self) -> None:
        of = self.payment(currency="EUR", amount=40_000)
        self.captured(of)
        converted: dict[str, Any] = {"settle_currency": "USD", "rate": "1.10", "net": 44_000 - 400 - 500}
        self.settled(of, self.line(of, **converted))
        self.opens("FX_VARIANCE", of.payment)

    def tell_duplicate(self) -> None:
        of = self.payment()
        self.captured(of)
        self.settled(of, self.line(of), self.line(of, batch_id="S-again"))
        self.opens("DUPLICATE_SETTLEMENT", of.payment)

    # -- one side alone ------------------------------------------------------------------------------------

    def tell_missing_settlement(self) -> None:
        of = self.payment()
        self.captured(of)
        self.opens("MISSING_SETTLEMENT", of.payment)

    def tell_missing_payment(self) -> None:
        of = self.payment()
        self.line(of, by="both")
        self.opens("MISSING_PAYMENT", f"{PSP}:{of.psp_id}")

    def tell_a_webhook_of_nobodys_payment(self) -> None:
        of = self.payment()
        self.webhook(of, "payment.captured", of.amount, addressed=False)
        self.opens("MISSING_PAYMENT", f"{PSP}:{of.psp_id}")

    def tell_a_chargeback_of_nobodys_payment(self) -> None:
        of = self.payment()
        self.line(of, "chargeback", by="both", gross=-of.amount)
        self.opens("DISPUTE_UNMATCHED", f"{PSP}:{of.psp_id}")

    # -- amounts where identities do not tell --------------------------------------------------------------

    def tell_two_captures_of_one_order(self) -> None:
        first = self.payment()
        second = self.payment(
            merchant=first.merchant,
            reference=first.reference,
            currency=first.currency,
            amount=first.amount + 400,
        )
        for of in (first, second):
            self.captured(of, psp_id=False)
            line = self.line(of, by="reference")
            self.settled(of, line, identity=f"{of.merchant}/{of.payment}")

    def tell_two_captures_of_one_order_and_amount(self) -> None:
        first = self.payment()
        second = self.payment(**first._asdict() | {"payment": f"{first.payment}b"})
        for of in (first, second):
            self.captured(of, psp_id=False)
            self.opens("MISSING_SETTLEMENT", of.payment)
        self.line(first, by="reference")
        self.opens("AMBIGUOUS", f"{PSP}:{first.reference}")

    def tell_the_amount_alone(self) -> None:
        """The capture has no reference, the line no id: an amount that nothing else has."""
        of = self.payment(amount=400 * (1_000_000 + self._count))
        self.captured(of, reference=False)
        self.settled(of, self.line(of, by="reference"))

    # -- what webhooks tell --------------------------------------------------------------------------------

    def tell_the_directory(self) -> None:
        """The authorisation names our payment, the capture only the PSP's id."""
        of = self.payment()
        self.webhook(of, "payment.authorized", of.amount)
        self.captured(of, by="none")
        self.webhook(of, "payment.captured", of.amount, addressed=False)
        self.settled(of, self.line(of))

    def tell_a_capture_beside_a_void(self) -> None:
        of = self.payment()
        self.captured(of)
        self.webhook(of, "payment.voided", of.amount, addressed=self.random.random() < 0.5)
        self.settled(of, self.line(of))
        self.opens("STATUS_MISMATCH", of.payment)

    def tell_a_refund(self) -> None:
        of = self.payment()
        self.captured(of)
        own, amount = f"re_{of.payment}", of.amount // 2
        self.webhook(of, "refund.succeeded", amount, psp_object_id=own, addressed=self.random.random() < 0.7)
        self.truth.refund_fact(of.merchant, of.payment, amount, of.currency)
        self.settled(of, self.line(of))
        line = self.line(of._replace(psp_id=own), "refund", by="id", gross=-amount)
        self.settled(of, line, kind="refund", identity=own)

    def tell_a_refund_that_failed(self) -> None:
        of = self.payment()
        self.captured(of)
        own, amount = f"re_{of.payment}", of.amount // 2
        for kind in ("refund.succeeded", "refund.failed"):
            self.webhook(of, kind, amount, psp_object_id=own)
        self.settled(of, self.line(of))

    def tell_a_dispute(self) -> None:
        """Open, won or lost; the chargeback is settled under the dispute's id."""
        of = self.payment()
        self.captured(of)
        own, end = f"dp_{of.payment}", self.random.choice(("open", "won", "lost"))
        addressed = self.random.random() < 0.7
        self.webhook(of, "dispute.opened", of.amount, psp_object_id=own, addressed=addressed)
        if end != "open":
            self.webhook(of, f"dispute.{end}", of.amount, psp_object_id=own, addressed=addressed)
        self.settled(of, self.line(of))
        line = self.line(of._replace(psp_id=own), "chargeback", by="id", gross=-of.amount)
        self.settled(of, line, kind="chargeback", identity=own)
        self.truth.dispute(of.merchant, of.payment, of.amount, of.currency, end)
        if end == "won":
            back = self.line(of._replace(psp_id=own), "chargeback_reversal", by="id")
            self.settled(of, back, kind="chargeback_reversal", identity=own)

    def tell_a_dispute_that_only_the_line_knows(self) -> None:
        of = self.payment()
        self.captured(of)
        self.settled(of, self.line(of))
        line = self.line(of, "chargeback", by="both", gross=-of.amount)
        self.settled(of, line, kind="chargeback", identity=f"{of.merchant}/line:{line}")
        self.truth.dispute(of.merchant, of.payment, of.amount, of.currency, "open")

    def tell_a_payment_twice(self) -> None:
        """Two payments that look the same to a person: the one with the greater id is the duplicate."""
        first = self.payment()
        names = {
            "payment": f"{first.payment}b",
            "psp_id": f"{first.psp_id}b",
            "reference": f"{first.reference}b",
        }
        second = self.payment(**first._asdict() | names)
        for of in (first, second):
            self.captured(of, by="none")
            self.command(
                of,
                "payment.record",
                amount=of.amount,
                psp=PSP,
                psp_payment_id=of.psp_id,
                order_ref=of.reference,
                invoice_id=f"INV-{first.payment}",
                payer={"tax_id": "DE1"},
            )
            self.settled(of, self.line(of))
        self.opens("DUPLICATE_PAYMENT", second.payment)

    def tell_what_nobody_can_read(self) -> None:
        of = self.payment()
        kind = self.random.choice(("payment.teleported", "ping", "payment.created"))
        self.say(Event(self.new_id("msg_"), {"type": kind, "timestamp": of.at.isoformat(), "data": {}}))
