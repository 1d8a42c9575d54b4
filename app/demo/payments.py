"""Payments, their repeats and their refunds, as an upstream shop system would write them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

from app.demo.market import MERCHANTS, PSPS, Merchant, Psp, draw_amount, merchant_fee
from app.demo.settlement import Settlements
from app.demo.stream import COMMANDS, Document, Record, Stream
from app.demo.truth import APPLIED, DEAD, DUPLICATE, PARKED, REFUSED


@dataclass
class Payment:
    """A payment as the demo knows it; `left` is what may still be refunded, minor units."""

    merchant: Merchant
    psp: Psp
    id: str
    psp_id: str
    amount: int
    currency: str
    left: int
    document: Document = field(default_factory=dict)


class Payments:
    """Plans payments and what follows each of them."""

    def __init__(self, stream: Stream, settlements: Settlements) -> None:
        self._stream = stream
        self._settlements = settlements
        self._shares = [merchant.share for merchant in MERCHANTS]

    def plan(self, at: float, defect: str | None) -> None:
        """One payment at `at` and all that follows from it; `defect` is the mismatch to plant."""
        stream = self._stream
        merchant = stream.random.choices(MERCHANTS, self._shares)[0]
        currency = merchant.currencies[min(int(stream.random.expovariate(1.6)), len(merchant.currencies) - 1)]
        payment = self.new(merchant, currency, draw_amount(stream.random, currency))
        if defect is None and stream.chance(stream.mix.refund / 8):
            at = self._plan_early_refund(at, payment)
        elif stream.chance(stream.mix.refund):
            self._plan_refund(at + stream.soon(0.2, 3.0), payment)
        self.send(at, payment, defect)
        if stream.chance(stream.mix.conflict):
            stream.schedule(at + stream.soon(0.1, 2.0), partial(self._conflict, payment))
        if stream.chance(stream.mix.garbage):
            stream.schedule(at + stream.soon(0.0, 0.5), partial(self._garbage, merchant.id))

    def new(self, merchant: Merchant, currency: str, amount: int) -> Payment:
        stream = self._stream
        names = [name for name in merchant.psps if currency in PSPS[name].plan.fixed]
        psp = PSPS[stream.random.choice(names or list(merchant.psps))]
        payment_id = stream.new_id("pay-")
        psp_id = stream.new_id(psp.payment_prefix)
        return Payment(merchant, psp, payment_id, psp_id, amount, currency, amount)

    def send(self, at: float, payment: Payment, defect: str | None = None) -> None:
        """Schedule the fact of a payment, perhaps its repeats, and its settlement lines."""
        self._stream.schedule(at, partial(self._pay, payment, defect))
        self._settlements.plan_capture(
            at, payment.psp, payment.psp_id, payment.amount, payment.currency, defect
        )

    def _pay(self, payment: Payment, defect: str | None, at: float) -> Record:
        stream, truth = self._stream, self._stream.truth
        payment.document = self._payment_document(payment, at)
        fee = merchant_fee(payment.merchant, payment.amount, payment.currency)
        truth.capture(payment.amount, payment.currency, fee)
        if defect == "MISSING_SETTLEMENT":
            truth.plant(defect, payment.psp.name, payment.psp_id)
        if stream.chance(stream.mix.restated):
            restated = {**payment.document, "id": stream.new_id("cmd-")}
            stream.schedule(at + stream.soon(0.05, 2.0), partial(self.command, restated, DUPLICATE))
        return self.command(payment.document, APPLIED, at)

    def _payment_document(self, payment: Payment, at: float) -> Document:
        stream = self._stream
        customer = stream.random.randrange(1, 5_000)
        document: Document = {
            "type": "payment.record",
            "id": stream.new_id("cmd-"),
            "merchant_id": payment.merchant.id,
            "payment_id": payment.id,
            "amount": payment.amount,
            "currency": payment.currency,
            "psp": payment.psp.name,
            "psp_payment_id": payment.psp_id,
            "method": stream.random.choice(payment.psp.methods),
            "occurred_at": stream.moment(at),
            "order_ref": stream.new_id("o-"),
            "payer": {"id": f"c-{customer}", "email": f"c-{customer}@example.org"},
        }
        if stream.chance(0.1):
            document["invoice_id"] = stream.new_id("INV-")
        return document

    def command(self, document: Document, outcome: str, at: float) -> Record:
        """Send a command now, and sometimes the same bytes once more."""
        stream = self._stream
        merchant_id, record_id = str(document["merchant_id"]), str(document["id"])
        stream.truth.command(merchant_id, record_id, outcome)
        if outcome != DUPLICATE and stream.chance(stream.mix.repeat):
            stream.schedule(at + stream.soon(0.01, 3.0), partial(self.command, document, DUPLICATE))
        return stream.record(at, COMMANDS, merchant_id, document)

    def _conflict(self, payment: Payment, at: float) -> Record:
        """The command id of a payment again, with another amount: never money, always a dead letter."""
        document = {**payment.document, "amount": payment.amount + 1}
        self._stream.truth.command(payment.merchant.id, str(document["id"]), DEAD)
        return self._stream.record(at, COMMANDS, payment.merchant.id, document)

    def _garbage(self, merchant_id: str, at: float) -> Record:
        stream = self._stream
        value = stream.random.choice(
            (
                b"",
                b'{"type":"payment.record","id":"cut',
                b'{"type":"payment.recorded","id":"x"}',
                b'{"type":"payout.create","id":"x","merchant_id":"m","payout_id":"p","amount":"10.00","currency":"EUR"}',
                b'{"type":"refund.record","id":"x","merchant_id":"m","refund_id":"\xff"}',
            )
        )
        stream.truth.outcomes[DEAD] += 1
        return stream.raw(at, COMMANDS, merchant_id, value)

    def _plan_refund(self, at: float, payment: Payment) -> None:
        kind = self._stream.random.choices(("fact", "request", "excess"), (5, 3, 2))[0]
        step = {"fact": self._refund_fact, "request": self._refund_request, "excess": self._refund_excess}[
            kind
        ]
        self._stream.schedule(at, partial(step, payment))

    def _plan_early_refund(self, at: float, payment: Payment) -> float:
        """A refund that overtakes its payment: parked until the payment comes. Returns the payment's time."""
        amount = self._part_of(payment)
        self._stream.schedule(at, partial(self._refund, payment, amount, PARKED))
        return at + self._stream.soon(0.2, 1.0)

    def _part_of(self, payment: Payment) -> int:
        """All or a part of what is left."""
        random = self._stream.random
        return payment.left if random.random() < 0.4 else random.randint(1, payment.left)

    def _refund_fact(self, payment: Payment, at: float) -> Record | None:
        if payment.left == 0:
            return None
        return self._refund(payment, self._part_of(payment), APPLIED, at)

    def _refund(self, payment: Payment, amount: int, outcome: str, at: float) -> Record:
        """A refund that happened at the PSP. It is announced once its payment is known, then settled."""
        document = self._refund_document("refund.record", payment, amount, self._stream.new_id("ref-"))
        self._take(payment, amount)
        return self._confirm(payment, document, outcome, at)

    def _confirm(self, payment: Payment, document: Document, outcome: str, at: float) -> Record:
        stream = self._stream
        psp_refund_id = stream.new_id(payment.psp.refund_prefix)
        fact = {**document, "psp_refund_id": psp_refund_id, "occurred_at": stream.moment(at)}
        amount = int(str(document["amount"]))
        self._settlements.plan_refund(at, payment.psp, psp_refund_id, amount, payment.currency)
        if outcome != PARKED and stream.chance(stream.mix.restated):
            restated = {**fact, "id": stream.new_id("cmd-")}
            stream.schedule(at + stream.soon(0.05, 2.0), partial(self.command, restated, DUPLICATE))
        return self.command(fact, outcome, at)

    def _refund_request(self, payment: Payment, at: float) -> Record | None:
        """A request inside the limit, confirmed by the PSP a little later."""
        if payment.left == 0:
            return None
        amount = self._part_of(payment)
        document = self._refund_document("refund.create", payment, amount, self._stream.new_id("ref-"))
        self._take(payment, amount)
        confirmation = {**document, "type": "refund.record", "id": self._stream.new_id("cmd-")}
        confirm_at = at + self._stream.soon(0.3, 1.5)
        self._stream.schedule(confirm_at, partial(self._confirm, payment, confirmation, APPLIED))
        return self.command(document, APPLIED, at)

    def _refund_excess(self, payment: Payment, at: float) -> Record:
        """A request for more than is left of the payment: it must be refused, with no posting."""
        amount = payment.left + self._stream.random.randint(1, payment.amount)
        document = self._refund_document("refund.create", payment, amount, self._stream.new_id("ref-"))
        return self.command(document, REFUSED, at)

    def _take(self, payment: Payment, amount: int) -> None:
        payment.left -= amount
        self._stream.truth.refund(amount, payment.currency)

    def _refund_document(self, kind: str, payment: Payment, amount: int, refund_id: str) -> Document:
        return {
            "type": kind,
            "id": self._stream.new_id("cmd-"),
            "merchant_id": payment.merchant.id,
            "payment_id": payment.id,
            "refund_id": refund_id,
            "amount": amount,
            "currency": payment.currency,
        }
