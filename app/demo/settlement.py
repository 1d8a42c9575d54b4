"""Settlement lines as each PSP's source would deliver them, in batches with a trailer, some of them wrong."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from app.demo.market import Psp
from app.demo.stream import LINES, Document, Record, Stream

BATCH_SECONDS = 5.0
"""A source closes its batch of a currency so long after its first line."""


@dataclass
class Batch:
    """An open batch of one source and currency, minor units."""

    psp: Psp
    id: str
    currency: str
    count: int = 0
    gross: int = 0
    fee: int = 0
    net: int = 0


class Settlements:
    """Plans lines. Fees are computed with the PSP's plan, which the platform is configured with as well."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._open: dict[tuple[str, str], Batch] = {}
        self._delays = (0.3, 2.0)

    def plan_capture(
        self, at: float, psp: Psp, psp_id: str, amount: int, currency: str, defect: str | None
    ) -> None:
        """The line of a capture made at `at`, or what the planted `defect` makes of it."""
        if defect == "MISSING_SETTLEMENT":
            return
        gross, fee = amount, psp.plan.fee(amount, currency)
        if defect == "AMOUNT_UNDER":
            gross -= max(1, amount * self._stream.random.randint(2, 30) // 100)
        elif defect == "FEE_VARIANCE":
            fee += max(3, fee * self._stream.random.randint(5, 40) // 100)
        due = at + self._stream.soon(*self._delays)
        planted = defect if defect in ("AMOUNT_UNDER", "FEE_VARIANCE") else None
        self._stream.schedule(due, partial(self._line, psp, "capture", psp_id, gross, fee, currency, planted))
        if defect == "DUPLICATE_SETTLEMENT":
            again = due + self._stream.soon(0.2, 1.5)
            step = partial(self._line, psp, "capture", psp_id, gross, fee, currency, defect)
            self._stream.schedule(again, step)

    def plan_refund(self, at: float, psp: Psp, psp_refund_id: str, amount: int, currency: str) -> None:
        """The line of a refund: negative, and PSPs keep no fee on it here."""
        due = at + self._stream.soon(*self._delays)
        self._stream.schedule(
            due, partial(self._line, psp, "refund", psp_refund_id, -amount, 0, currency, None)
        )

    def plan_stray(self, at: float, psp: Psp, amount: int, currency: str) -> None:
        """A line for a capture that nobody has told us of."""
        fee = psp.plan.fee(amount, currency)
        psp_id = self._stream.new_id(psp.payment_prefix)
        step = partial(self._line, psp, "capture", psp_id, amount, fee, currency, "MISSING_PAYMENT")
        self._stream.schedule(at, step)

    def _line(
        self,
        psp: Psp,
        kind: str,
        object_id: str,
        gross: int,
        fee: int,
        currency: str,
        defect: str | None,
        at: float,
    ) -> Record:
        stream = self._stream
        batch = self._batch(psp, currency, at)
        net = gross - fee
        batch.count, batch.gross = batch.count + 1, batch.gross + gross
        batch.fee, batch.net = batch.fee + fee, batch.net + net
        document: Document = {
            "type": "settlement.line",
            "source": psp.source,
            "psp": psp.name,
            "batch_id": batch.id,
            "line_id": stream.new_id("L"),
            "kind": kind,
            "psp_payment_id": object_id,
            "currency": currency,
            "gross": gross,
            "fee": fee,
            "settle_currency": currency,
            "net": net,
            "booked_on": stream.day(at),
        }
        stream.truth.line(net, currency)
        if defect is not None:
            stream.truth.plant(defect, psp.name, object_id)
        if stream.chance(stream.mix.line_repeat):
            stream.schedule(at + stream.soon(0.01, 2.0), partial(self._again, document))
        return self._send(at, document)

    def _again(self, document: Document, at: float) -> Record:
        self._stream.truth.line_repeats += 1
        return self._send(at, document)

    def _batch(self, psp: Psp, currency: str, at: float) -> Batch:
        key = (psp.source, currency)
        if key not in self._open:
            self._open[key] = Batch(psp, self._stream.new_id("B"), currency)
            self._stream.schedule(at + BATCH_SECONDS, partial(self._close, key))
        return self._open[key]

    def _close(self, key: tuple[str, str], at: float) -> Record:
        """The batch's control totals."""
        batch = self._open.pop(key)
        self._stream.truth.trailers += 1
        return self._send(
            at,
            {
                "type": "settlement.trailer",
                "source": batch.psp.source,
                "psp": batch.psp.name,
                "batch_id": batch.id,
                "count": batch.count,
                "gross": batch.gross,
                "fee": batch.fee,
                "net": batch.net,
                "settle_currency": batch.currency,
            },
        )

    def _send(self, at: float, document: Document) -> Record:
        return self._stream.record(at, LINES, f"{document['source']}/{document['batch_id']}", document)
