"""Stories of payments, settlements, batches, bank lines and payouts: each says what must come out of it.

Facts alone, from outside: payments' and payouts' records, settlement lines and trailers, bank lines. What has
to stand before them (merchants, money that is available, payouts that were asked for) is `prepare`.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from app.domain.banking import BankLine
from app.domain.split import Parent, derived_id
from tests.domain.three_leg_facts import OUTGO, PAID_AT, PAYER, Facts, fact
from tests.support.matching_world import NOON


class Scenario(Facts):
    """All stories, each told once per round."""

    def tell_a_batch_of_everything(self) -> None:
        """Captures, a refund and a chargeback netted in one batch, trailer and bank line agreeing."""
        batch = self.batch()
        payments = [self.payment() for _ in range(4)]
        for of in payments:
            self.line(batch, of, fee=25)
        refund = self.about_payment(
            payments[0], "refund.record", refund_id=f"re-{self.next()}", psp_refund_id=f"re_{self.next()}"
        )
        self.line(batch, kind="refund", gross=-refund.amount, psp_payment_id=refund.psp_refund_id)
        dispute = self.about_payment(
            payments[1], "dispute.opened", dispute_id=f"dp-{self.next()}", psp_dispute_id=f"dp_{self.next()}"
        )
        self.line(batch, kind="chargeback", gross=-dispute.amount, psp_payment_id=dispute.psp_dispute_id)
        self.trailer(batch)
        self.paid(batch)

    def tell_a_batch_that_takes_money(self) -> None:
        of = self.payment()
        self.settled(of)
        refund = self.about_payment(
            of, "refund.record", refund_id=f"re-{self.next()}", psp_refund_id=f"re_{self.next()}"
        )
        batch = self.batch()
        self.line(batch, kind="refund", gross=-refund.amount, psp_payment_id=refund.psp_refund_id)
        self.trailer(batch)
        self.paid(batch)

    def tell_missing_settlement(self) -> None:
        self.opens("A", "MISSING_SETTLEMENT", self.payment().payment_id)

    def tell_missing_payment(self) -> None:
        batch = self.batch()
        line = self.line(batch)
        self.trailer(batch)
        self.paid(batch)
        self.opens("A", "MISSING_PAYMENT", f"acq/{line.line_id}")

    def tell_over(self) -> None:
        of = self.payment()
        self.settled(of, gross=of.amount + 7)
        self.opens("A", "AMOUNT_OVER", of.payment_id)

    def tell_under(self) -> None:
        of = self.payment(psp_payment_id=None)
        self.settled(of, gross=of.amount - 7, psp_payment_id=None, merchant_ref=of.order_ref)
        self.opens("A", "AMOUNT_UNDER", of.payment_id)

    def tell_fee(self) -> None:
        of = self.payment("plan", amount=100_000)
        self.settled(of, fee=2_900)
        self.opens("A", "FEE_VARIANCE", of.payment_id)

    def tell_currency(self) -> None:
        of = self.payment()
        self.settled(of, currency="USD")
        self.opens("A", "CURRENCY_MISMATCH", of.payment_id)

    def tell_fx_and_a_residual(self) -> None:
        """Converted, but net is not what its own parts come to at its own rate."""
        of = self.payment()
        net = round(of.amount * 1.10) - 50_000
        batch, _ = self.settled(of, settle_currency="USD", rate="1.10", fee=100, net=net - 100)
        self.opens("A", "FX_VARIANCE", of.payment_id)
        self.opens("B", "BATCH_RESIDUAL", batch.batch_id)

    def tell_duplicate_settlement(self) -> None:
        of = self.payment()
        self.settled(of)
        self.settled(of, booked_on=date(2026, 11, 24))
        self.opens("A", "DUPLICATE_SETTLEMENT", of.payment_id)

    def tell_direction(self) -> None:
        of = self.payment()
        batch = self.batch()
        self.line(batch, of, gross=-of.amount)
        self.trailer(batch)
        self.paid(batch)
        self.opens("A", "DIRECTION_MISMATCH", of.payment_id)

    def tell_partial(self) -> None:
        of = self.payment("slow")
        self.settled(of, gross=of.amount - 500)
        self.opens("A", "PARTIAL_SETTLEMENT", of.payment_id)

    def tell_late(self) -> None:
        of = self.payment()
        batch = self.batch()
        self.line(batch, of, booked_on=date(2026, 12, 9))
        self.trailer(batch)
        self.paid(batch, value_date=date(2026, 12, 10))
        self.opens("A", "LATE", of.payment_id)

    def tell_ambiguous(self) -> None:
        """Two payments of one amount and one line that names neither."""
        amount = self.amount()
        for _ in range(2):
            of = self.payment(amount=amount, order_ref=None)
            self.opens("A", "MISSING_SETTLEMENT", of.payment_id)
        batch = self.batch()
        line = self.line(batch, gross=amount, psp_payment_id=None, merchant_ref=f"o-q{self.next()}")
        self.trailer(batch)
        self.paid(batch)
        self.opens("A", "AMBIGUOUS", f"acq/{line.line_id}")

    def tell_dispute_unmatched(self) -> None:
        batch = self.batch()
        line = self.line(batch, kind="chargeback", gross=-self.amount())
        self.trailer(batch)
        self.paid(batch)
        self.opens("A", "DISPUTE_UNMATCHED", f"acq/{line.line_id}")

    # --- the merchant's own books ---------------------------------------------------------------------------

    def tell_duplicate_payment(self) -> None:
        """One invoice paid twice; both are settled. The second id is flagged, whichever came first."""
        n, amount = self.next(), self.amount()
        merchant, payer = "m-1", {"tax_id": f"DE{n}"}
        for hours in (3, 1):
            at = NOON - timedelta(hours=hours)
            of = self.payment(
                amount=amount, merchant_id=merchant, invoice_id=f"INV-{n}", payer=payer, occurred_at=at
            )
            self.settled(of)
        self.opens("M", "DUPLICATE_PAYMENT", of.payment_id)

    def tell_status(self) -> None:
        of = self.payment()
        self.about_payment(of, "payment.voided", psp=of.psp, psp_payment_id=of.psp_payment_id)
        self.settled(of)
        self.opens("M", "STATUS_MISMATCH", of.payment_id)

    def tell_refund_exceeds_capture(self) -> None:
        """The merchant pays with what it earned otherwise."""
        of = self.payment()
        self.settled(of)
        amount = of.amount + 1_000
        refund = self.about_payment(
            of,
            "refund.record",
            amount=amount,
            refund_id=f"re-{self.next()}",
            psp_refund_id=f"re_{self.next()}",
        )
        batch = self.batch()
        self.line(batch, kind="refund", gross=-amount, psp_payment_id=refund.psp_refund_id)
        self.trailer(batch)
        self.paid(batch)
        self.opens("M", "REFUND_EXCEEDS_CAPTURE", of.payment_id)

    def tell_negative_balance(self) -> None:
        """A merchant that has nothing else gives back more than it took."""
        merchant = f"m-poor-{self.next()}"
        of = self.payment(merchant_id=merchant)
        self.settled(of)
        amount = of.amount + 70_000
        refund = self.about_payment(
            of,
            "refund.record",
            amount=amount,
            refund_id=f"re-{self.next()}",
            psp_refund_id=f"re_{self.next()}",
        )
        batch = self.batch()
        self.line(batch, kind="refund", gross=-amount, psp_payment_id=refund.psp_refund_id)
        self.trailer(batch)
        self.paid(batch)
        self.opens("M", "REFUND_EXCEEDS_CAPTURE", of.payment_id)
        self.opens("M", "NEGATIVE_BALANCE", merchant)

    def tell_a_split_payment(self) -> None:
        self.split_payment()

    def tell_a_split_payment_whose_seller_gave_back_alone(self) -> None:
        """A seller's refund that the whole knows nothing of."""
        of = self.split_payment()
        order = derived_id(Parent(of.merchant_id, of.payment_id), "0")
        self.about_payment(
            of,
            "refund.record",
            merchant_id="m-2",
            payment_id=order,
            refund_id=f"re-{self.next()}",
            amount=5_000,
        )
        self.opens("M", "SPLIT_MISMATCH", of.payment_id)

    # --- leg B ----------------------------------------------------------------------------------------------

    def tell_missing_bank(self) -> None:
        self.opens("B", "MISSING_BANK", self.simple_batch().batch_id)

    def tell_unexpected_bank(self) -> None:
        line = self.bank(self.amount(), "GIFT FROM NOBODY")
        self.opens("B", "UNEXPECTED_BANK", line.line_id)

    def tell_bank_under_and_over(self) -> None:
        for category, more in (("AMOUNT_UNDER", -30), ("AMOUNT_OVER", 45)):
            batch = self.simple_batch()
            self.paid(batch, batch.net + more)
            self.opens("B", category, batch.batch_id)

    def tell_bank_currency(self) -> None:
        batch = self.simple_batch()
        self.paid(batch, currency="USD")
        self.opens("B", "CURRENCY_MISMATCH", batch.batch_id)

    def tell_bank_direction(self) -> None:
        batch = self.simple_batch()
        self.paid(batch, -batch.net)
        self.opens("B", "DIRECTION_MISMATCH", batch.batch_id)

    def tell_bank_late(self) -> None:
        batch = self.simple_batch()
        self.paid(batch, value_date=date(2026, 12, 15))
        self.opens("B", "LATE", batch.batch_id)

    def tell_bank_in_parts(self) -> None:
        batch = self.simple_batch()
        self.paid(batch, 5_000)
        self.paid(batch, batch.net - 5_000)

    def tell_several_batches_in_one_line(self) -> None:
        batches = [self.simple_batch() for _ in range(3)]
        names = " ".join(batch.batch_id for batch in batches)
        line = self.bank(sum(batch.net for batch in batches), f"SUM {names}")
        for batch in batches:
            self.pair(line, batch)

    def tell_bank_by_amount(self) -> None:
        """B2: no name, the only one of its amount."""
        batch = self.simple_batch()
        self.pair(self.bank(batch.net, "CARD SALES"), batch, "2")

    def tell_bank_ambiguous(self) -> None:
        amount = self.amount()
        for _ in range(2):
            self.opens("B", "MISSING_BANK", self.simple_batch(amount).batch_id)
        self.opens("B", "AMBIGUOUS", self.bank(amount, "CARD SALES").line_id)

    def tell_bank_covering_set(self) -> None:
        """B3: proposed, so both sides stay open until a person confirms."""
        batches = [self.simple_batch() for _ in range(3)]
        line = self.bank(sum(batch.net for batch in batches), "CARD SALES")
        for batch in batches:
            self.opens("B", "MISSING_BANK", batch.batch_id)
        self.opens("B", "UNEXPECTED_BANK", line.line_id)

    def tell_trailer(self) -> None:
        batch = self.batch()
        self.line(batch, self.payment())
        self.trailer(batch, count=2)
        self.paid(batch)
        self.opens("B", "BATCH_TRAILER_MISMATCH", batch.batch_id)

    # --- leg C ----------------------------------------------------------------------------------------------

    def payout(self, *facts: str, fee: int = 0, **changes: Any) -> Any:
        """A payout that was asked for before, and what became of it."""
        n = self.next()
        create = fact(
            type="payout.create",
            id=f"po{n}",
            merchant_id=PAYER,
            payout_id=f"po-{n:05}",
            amount=self.amount(),
            currency="EUR",
        )
        self.before.append(create)
        for kind in facts:
            more = {"bank_fee": fee} if kind == "paid" else {}
            at = PAID_AT if kind == "paid" else PAID_AT + timedelta(hours=30)
            self.facts.append(
                fact(
                    type=f"payout.{kind}",
                    id=f"pf{self.next()}",
                    merchant_id=PAYER,
                    payout_id=create.payout_id,
                    psp_payout_id=f"tr_{n:05}",
                    occurred_at=at,
                    **more,
                    **changes,
                )
            )
        return create

    def out(self, of: Any, amount: int, by: str = "", **changes: Any) -> BankLine:
        """A bank line of a payout, by its name unless `by` says the rule."""
        text = f"PAYOUT {of.payout_id}" if not by else "TRANSFER"
        changes.setdefault("value_date", date(2026, 11, 24))
        line = self.bank(amount, text, OUTGO, **changes)
        self.banked.append((line.line_id, f"payout:{PAYER}/{of.payout_id}", by or "1"))
        return line

    def tell_payouts_that_the_bank_shows(self) -> None:
        self.out(of := self.payout("paid"), -of.amount)
        self.out(of := self.payout("paid", fee=25), -of.amount - 25)
        of = self.payout("paid")
        name = f"tr_{of.payout_id.removeprefix('po-')}"
        line = self.bank(-of.amount, "TRANSFER", OUTGO, end_to_end_id=name)
        self.banked.append((line.line_id, f"payout:{PAYER}/{of.payout_id}", "1"))

    def tell_a_payout_whose_bank_kept_a_fee(self) -> None:
        """Within what the bank may keep: leg C posts the difference."""
        self.out(of := self.payout("paid", fee=25), -of.amount - 60)

    def tell_a_payout_in_parts(self) -> None:
        of = self.payout("paid")
        self.out(of, -4_000)
        self.out(of, 4_000 - of.amount)

    def tell_a_payout_by_amount(self) -> None:
        self.out(of := self.payout("paid"), -of.amount, by="2")

    def tell_a_payout_missing_at_the_bank(self) -> None:
        self.opens("C", "MISSING_BANK", self.payout("paid").payout_id)
        self.opens("C", "MISSING_BANK", self.payout().payout_id)

    def tell_payouts_of_another_amount(self) -> None:
        for category, more in (("AMOUNT_OVER", -700), ("AMOUNT_UNDER", 700)):
            of = self.payout("paid")
            self.out(of, -of.amount + more)
            self.opens("C", category, of.payout_id)

    def tell_a_payout_the_other_way(self) -> None:
        of = self.payout("paid")
        self.out(of, of.amount)
        self.opens("C", "DIRECTION_MISMATCH", of.payout_id)

    def tell_a_payout_in_another_currency(self) -> None:
        of = self.payout("paid")
        self.out(of, -of.amount, currency="USD")
        self.opens("C", "CURRENCY_MISMATCH", of.payout_id)

    def tell_a_late_payout(self) -> None:
        of = self.payout("paid")
        self.out(of, -of.amount, value_date=date(2026, 12, 15))
        self.opens("C", "LATE", of.payout_id)

    def tell_returned_payouts(self) -> None:
        of = self.payout("paid", "returned")
        self.out(of, -of.amount)
        self.out(of, of.amount)
        of = self.payout("paid", "returned")
        self.out(of, -of.amount)
        self.opens("C", "MISSING_BANK", of.payout_id)

    def tell_payouts_of_another_status(self) -> None:
        of = self.payout("failed")
        self.out(of, -of.amount)
        self.opens("C", "STATUS_MISMATCH", of.payout_id)
        of = self.payout()
        self.out(of, -of.amount)
        self.opens("C", "STATUS_MISMATCH", of.payout_id)
        of = self.payout("paid", "failed")
        self.out(of, -of.amount)
        self.opens("M", "STATUS_MISMATCH", of.payout_id)

    def tell_a_failed_payout_that_never_left(self) -> None:
        self.payout("failed")

    def tell_bank_lines_of_nobody(self) -> None:
        self.bank(-self.amount(), "SALARIES NOVEMBER", OUTGO)
        line = self.bank(-self.amount(), "CASH", OUTGO)
        self.opens("B", "UNEXPECTED_BANK", line.line_id)
