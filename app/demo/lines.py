"""Settlement lines on their way: by which ids they name what they settle, in which batch they lie."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Final, NamedTuple

from app.demo.market import Psp
from app.demo.stream import LINES, Document, Record, Stream

BATCH_SECONDS: Final = 5.0
"""A source closes its batch of a currency so long after its first line."""
Names = dict[str, str]
"""`psp_payment_id`, `merchant_ref`, or both."""


class Line(NamedTuple):
    """One line, minor units. `plants`: (category, name) of the mismatch that it brings about."""

    psp: Psp
    kind: str
    names: Names
    gross: int
    fee: int
    currency: str
    plants: tuple[str, str] | None = None
    settle_currency: str | None = None
    """None: the same."""
    rate: str | None = None
    converted: int = 0
    """What a line in another currency pays out, before the fee."""

    @property
    def net(self) -> int:
        return (self.gross if self.settle_currency is None else self.converted) - self.fee


@dataclass
class Batch:
    """An open batch of one source and currency, minor units."""

    psp: Psp
    id: str
    settle_currency: str
    count: int = 0
    gross: int = 0
    fee: int = 0
    net: int = 0


class Lines:
    """Sends lines in batches with a trailer."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._open: dict[tuple[str, str, str], Batch] = {}

    def names(self, object_id: str, order_ref: str) -> Names:
        """How an acquirer names an object: by the PSP's id, by our order, or by both."""
        by_id, by_order = {"psp_payment_id": object_id}, {"merchant_ref": order_ref}
        return self._stream.random.choices((by_id, {**by_id, **by_order}, by_order), (55, 30, 15))[0]

    def schedule(self, at: float, line: Line) -> None:
        self._stream.schedule(at, partial(self._line, line))

    def _line(self, line: Line, at: float) -> Record:
        stream = self._stream
        batch = self._batch(line, at)
        batch.count, batch.gross = batch.count + 1, batch.gross + line.gross
        batch.fee, batch.net = batch.fee + line.fee, batch.net + line.net
        document: Document = {
            "type": "settlement.line",
            "source": line.psp.source,
            "psp": line.psp.name,
            "batch_id": batch.id,
            "line_id": stream.new_id("L"),
            "kind": line.kind,
            **line.names,
            "currency": line.currency,
            "gross": line.gross,
            "fee": line.fee,
            "settle_currency": batch.settle_currency,
            "net": line.net,
            "booked_on": stream.business_day(at),
        }
        if line.rate is not None:
            document["rate"] = line.rate
        stream.truth.line(line.net, batch.settle_currency)
        if line.plants is not None:
            stream.truth.plant(*line.plants)
        if stream.chance(stream.mix.line_repeat):
            stream.schedule(at + stream.soon(0.01, 2.0), partial(self._again, document))
        return self._send(at, document)

    def _again(self, document: Document, at: float) -> Record:
        self._stream.truth.line_repeats += 1
        return self._send(at, document)

    def _batch(self, line: Line, at: float) -> Batch:
        settle_currency = line.settle_currency or line.currency
        key = (line.psp.source, line.currency, settle_currency)
        if key not in self._open:
            self._open[key] = Batch(line.psp, self._stream.new_id("B"), settle_currency)
            self._stream.schedule(at + BATCH_SECONDS, partial(self._close, key))
        return self._open[key]

    def _close(self, key: tuple[str, str, str], at: float) -> Record:
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
                "settle_currency": batch.settle_currency,
            },
        )

    def _send(self, at: float, document: Document) -> Record:
        return self._stream.record(at, LINES, f"{document['source']}/{document['batch_id']}", document)
