"""What our own systems send to `payments.commands`, with the repeats and the rubbish that come with it."""

from __future__ import annotations

from functools import partial

from app.demo.payment import Payment
from app.demo.stream import COMMANDS, Document, Record, Stream
from app.demo.truth import DEAD, DUPLICATE


class Commands:
    """Every command is counted with the outcome that it must have."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    def send(self, document: Document, outcome: str, at: float) -> Record:
        """Send a command now, and sometimes the same bytes once more."""
        stream = self._stream
        merchant_id, record_id = str(document["merchant_id"]), str(document["id"])
        stream.truth.command(merchant_id, record_id, outcome)
        if outcome != DUPLICATE and stream.chance(stream.mix.repeat):
            stream.schedule(at + stream.soon(0.01, 3.0), partial(self.send, document, DUPLICATE))
        return stream.record(at, COMMANDS, merchant_id, document)

    def plan_rubbish(self, at: float, payment: Payment) -> None:
        """At times a contradiction to a payment of ours, or bytes that are no record at all."""
        stream = self._stream
        if payment.teller == "us" and stream.chance(stream.mix.conflict):
            stream.schedule(at + stream.soon(0.1, 2.0), partial(self._conflict, payment))
        if stream.chance(stream.mix.garbage):
            stream.schedule(at + stream.soon(0.0, 0.5), partial(self._garbage, payment.merchant.id))

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
