"""Refunds: facts and requests, some before their payment, some too large, some that come to nothing."""

from __future__ import annotations

from functools import partial

from app.demo.commands import Commands
from app.demo.payment import Payment
from app.demo.reports import Reports
from app.demo.settlement import Settlements
from app.demo.stream import OWN_IDS, Document, Record, Stream
from app.demo.truth import APPLIED, DUPLICATE, EITHER, PARKED, REFUSED


class Refunds:
    """Plans refunds; at most one per payment, so that what must happen to each is certain."""

    def __init__(
        self, stream: Stream, commands: Commands, reports: Reports, settlements: Settlements
    ) -> None:
        self._stream = stream
        self._commands = commands
        self._reports = reports
        self._settlements = settlements

    def plan(self, at: float, payment: Payment) -> None:
        """A refund of a payment that was captured before `at`."""
        if payment.teller == "psp":
            self._told_by_psp(at, payment)
            return
        kind = self._stream.random.choices(("fact", "request", "excess"), (5, 3, 2))[0]
        if kind == "fact" and payment.psp.posts and self._stream.chance(0.7):
            self._told_by_psp(at, payment)
        else:
            steps = {"fact": self._fact, "request": self._request, "excess": self._excess}
            self._stream.schedule(at, partial(steps[kind], payment))

    def plan_early(self, at: float, payment: Payment) -> float:
        """A refund that overtakes its payment: parked until the payment comes. Returns the payment's time."""
        amount = self._part_of(payment)
        self._stream.schedule(at, partial(self._record, payment, amount, PARKED))
        return at + self._stream.soon(0.2, 1.0)

    def _part_of(self, payment: Payment) -> int:
        """All or a part of what is left."""
        random = self._stream.random
        return payment.left if random.random() < 0.4 else random.randint(1, payment.left)

    def _take(self, payment: Payment, amount: int) -> None:
        payment.left -= amount
        self._stream.truth.refund(amount, payment.currency)

    def _told_by_psp(self, at: float, payment: Payment) -> None:
        """By webhook; at times our system tells of it as well, at times it fails in the end."""
        amount = self._part_of(payment)
        psp_refund_id = self._stream.new_id(payment.psp.refund_prefix)
        self._take(payment, amount)
        self._report("refunded", at, payment, amount, psp_refund_id)
        fate = self._stream.random.choices(("settled", "told by us", "failed"), (75, 15, 10))[0]
        if fate == "failed":
            self._stream.truth.refund(-amount, payment.currency)
            self._report("refund_failed", at + self._stream.soon(0.5, 2.0), payment, amount, psp_refund_id)
            return
        self._settlements.refund(at, payment, psp_refund_id, amount)
        if fate == "told by us" and payment.teller != "psp":
            document = self._document("refund.record", payment, amount)
            fact = {**document, "psp_refund_id": psp_refund_id, "occurred_at": self._stream.moment(at)}
            self._stream.schedule(at, partial(self._commands.send, fact, EITHER))

    def _report(
        self,
        kind: str,
        at: float,
        payment: Payment,
        amount: int,
        psp_refund_id: str,
        ours: dict[str, str] | None = None,
    ) -> None:
        """Refunds carry the metadata of their own creation only; most were made at the PSP and have none."""
        self._reports.tell(
            payment.psp,
            kind,
            at,
            payment.psp_id,
            amount,
            payment.currency,
            object_id=psp_refund_id,
            ours=ours or {},
        )

    def _fact(self, payment: Payment, at: float) -> Record:
        return self._record(payment, self._part_of(payment), APPLIED, at)

    def _record(self, payment: Payment, amount: int, outcome: str, at: float) -> Record:
        """A refund that happened at the PSP, told by us."""
        document = self._document("refund.record", payment, amount)
        self._take(payment, amount)
        return self._confirm(payment, document, outcome, at)

    def _confirm(self, payment: Payment, document: Document, outcome: str, at: float) -> Record:
        stream = self._stream
        psp_refund_id = stream.new_id(payment.psp.refund_prefix)
        fact = {**document, "psp_refund_id": psp_refund_id, "occurred_at": stream.moment(at)}
        self._settlements.refund(at, payment, psp_refund_id, int(str(document["amount"])))
        if outcome != PARKED and stream.chance(stream.mix.restated):
            restated = {**fact, "id": stream.new_id(OWN_IDS)}
            stream.schedule(at + stream.soon(0.05, 2.0), partial(self._commands.send, restated, DUPLICATE))
        return self._commands.send(fact, outcome, at)

    def _request(self, payment: Payment, at: float) -> Record:
        """A request inside the limit, confirmed a little later: by the PSP itself, or by us."""
        amount = self._part_of(payment)
        document = self._document("refund.create", payment, amount)
        self._take(payment, amount)
        confirm_at = at + self._stream.soon(0.3, 1.5)
        if payment.psp.posts and self._stream.chance(0.6):
            psp_refund_id = self._stream.new_id(payment.psp.refund_prefix)
            own = {name: str(document[name]) for name in ("merchant_id", "payment_id", "refund_id")}
            self._report("refunded", confirm_at, payment, amount, psp_refund_id, own)
            self._settlements.refund(confirm_at, payment, psp_refund_id, amount)
        else:
            confirmation = {**document, "type": "refund.record", "id": self._stream.new_id(OWN_IDS)}
            self._stream.schedule(confirm_at, partial(self._confirm, payment, confirmation, APPLIED))
        return self._commands.send(document, APPLIED, at)

    def _excess(self, payment: Payment, at: float) -> Record:
        """A request for more than is left of the payment: it must be refused, with no posting."""
        amount = payment.left + self._stream.random.randint(1, payment.amount)
        return self._commands.send(self._document("refund.create", payment, amount), REFUSED, at)

    def _document(self, kind: str, payment: Payment, amount: int) -> Document:
        return {
            "type": kind,
            "id": self._stream.new_id(OWN_IDS),
            "merchant_id": payment.merchant.id,
            "payment_id": payment.id,
            "refund_id": self._stream.new_id("ref-"),
            "amount": amount,
            "currency": payment.currency,
        }
