"""PayPal's currency conversions as part of the payment that they convert.

A payment into a currency that is not kept is three rows: the payment, the conversion out of its currency and
the one into another. Together they are one line: paid in the one, settled in the other, at their rate. Rows
are held back for a while, because the conversions stand behind their payment; what does not fit exactly stays
as it is.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Final, NamedTuple

from app.formats.rows import RawRow

HELD_ROWS: Final = 2_000
"""How far behind its payment a conversion may stand."""
CONVERSIONS: Final = "T02"
PAYMENTS: Final = ("T00", "T11", "T12")
RATE_DIGITS: Final = 12


class Moved(NamedTuple):
    """What a row says: signed amounts in the file's units, of the fee as it is taken off (negative)."""

    id: str
    event: str
    reference: str
    currency: str
    gross: int
    fee: int


class _Waiting:
    """A payment, and the conversions that name it."""

    def __init__(self, row: RawRow, moved: Moved) -> None:
        self.row, self.moved = row, moved
        self.parts: list[tuple[RawRow, Moved]] = []


def joined(rows: Iterable[tuple[RawRow, Moved | None]]) -> Iterator[RawRow]:
    """The same rows in the same order; the last cell of each is a dict, where a join leaves its word."""
    held: deque[RawRow] = deque()
    waiting: dict[str, _Waiting] = {}
    order: deque[str] = deque()
    for row, moved in rows:
        held.append(row)
        if moved is not None and moved.event.startswith(PAYMENTS) and moved.id not in waiting:
            waiting[moved.id] = _Waiting(row, moved)
            order.append(moved.id)
        elif moved is not None and moved.event.startswith(CONVERSIONS) and moved.reference in waiting:
            payment = waiting[moved.reference]
            payment.parts.append((row, moved))
            _join(payment)
        if len(held) > HELD_ROWS:
            first = held.popleft()
            if order and waiting[order[0]].row is first:
                del waiting[order.popleft()]
            yield first
    yield from held


def _join(payment: _Waiting) -> None:
    """Where the conversions are exactly two, and one of them takes the payment's net out of its currency."""
    if len(payment.parts) != 2:
        return
    own = [part for part in payment.parts if part[1].currency == payment.moved.currency]
    other = [part for part in payment.parts if part[1].currency != payment.moved.currency]
    net = payment.moved.gross + payment.moved.fee
    if len(own) != 1 or len(other) != 1 or own[0][1].gross != -net or not net:
        return
    into = other[0][1]
    with localcontext() as context:
        context.prec = RATE_DIGITS
        rate = Decimal(abs(into.gross)) / Decimal(abs(net))
        fee = (abs(payment.moved.fee) * rate).quantize(Decimal(1), ROUND_HALF_UP)
    payment.row.content[-1] = payment.row.content[-1] | {
        "converted.currency": into.currency,
        "converted.net": str(into.gross),
        "converted.fee": str(fee),
        "converted.rate": f"{rate:f}",
    }
    for row, _ in payment.parts:
        row.content[-1] = row.content[-1] | {"converts": payment.moved.id}
