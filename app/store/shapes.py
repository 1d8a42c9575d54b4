"""How state values become rows, per kind: the tuple of the type `<kind>_write` without version and seen.

The order of columns here is that of the composite types in `0004_commit_types.sql`; `state` comes last.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, cast

import msgspec

from app.domain.commands import MerchantLaneRecord
from app.domain.configuration import Platform
from app.domain.matching import Item
from app.domain.merchant import Merchant
from app.domain.mismatch import Mismatch
from app.domain.parking import Parked
from app.domain.payment import Payment
from app.domain.payout import Payout
from app.domain.settlement import MatchingLaneRecord
from app.domain.state import Kind, Ref
from app.domain.timers import Timer, from_epoch_ms

Row = tuple[Any, ...]

KINDS: Final[tuple[Kind, ...]] = (
    "platform",
    "merchant",
    "payment",
    "payout",
    "account",
    "claim",
    "parked",
    "timer",
    "item",
    "mismatch",
)
"""Every kind of state row, in the order in which `apply_batch` takes them."""

_ENCODER: Final = msgspec.json.Encoder()
_DOCUMENTS: Final[Mapping[str, msgspec.json.Decoder[Any]]] = {
    "platform": msgspec.json.Decoder(Platform),
    "merchant": msgspec.json.Decoder(Merchant),
    "payment": msgspec.json.Decoder(Payment),
    "payout": msgspec.json.Decoder(Payout),
    "parked": msgspec.json.Decoder(Parked),
    "item": msgspec.json.Decoder(Item),
    "mismatch": msgspec.json.Decoder(Mismatch),
}
_RECORDS: Final = msgspec.json.Decoder(cast(Any, MerchantLaneRecord | MatchingLaneRecord))


def document(value: Any) -> str:
    """The JSON text under which a value is kept; equal values give equal texts."""
    return _ENCODER.encode(value).decode()


def _platform(ref: Ref, value: Platform) -> Row:
    return (document(value),)


def _merchant(ref: Ref, value: Merchant) -> Row:
    return (
        ref.key[0],
        value.name,
        value.configured,
        value.settlement_currency,
        value.negative_limit,
        document(value),
    )


def _payment(ref: Ref, value: Payment) -> Row:
    captured = value.captured_amount
    return (
        *ref.key,
        value.status,
        value.dispute_status,
        value.settlement_status,
        captured,
        captured,
        value.refunded_amount,
        value.disputed_amount,
        value.currency,
        value.psp,
        value.psp_payment_id,
        value.flags,
        document(value),
    )


def _payout(ref: Ref, value: Payout) -> Row:
    return (
        *ref.key,
        value.status,
        value.amount,
        value.currency,
        value.bank_fee,
        value.psp_payout_id,
        document(value),
    )


def _account(ref: Ref, value: int) -> Row:
    return (*ref.key, value)


def _claim(ref: Ref, value: str) -> Row:
    return (*ref.key, value)


def _parked(ref: Ref, value: Parked) -> Row:
    return (*ref.key, len(value.records), document(value))


def _timer(ref: Ref, value: Timer) -> Row:
    return (*ref.key, from_epoch_ms(value.due_at_ms), document(value.record))


def _item(ref: Ref, value: Item) -> Row:
    expected = value.expectation
    first = expected or (value.lines[0].record if value.lines else None)
    return (
        *ref.key,
        expected.merchant_id if expected else None,
        expected.payment_id if expected else None,
        first.currency if first else None,
        expected.gross if expected else None,
        len(value.lines),
        sum(line.record.gross for line in value.lines),
        document(value),
    )


def _mismatch(ref: Ref, value: Mismatch, append_ms: int | None) -> Row:
    return (
        ref.key[0],
        value.leg,
        value.category,
        value.severity,
        value.status,
        value.merchant_id,
        value.psp,
        value.payment_id,
        value.batch_id,
        value.currency,
        value.expected_amount,
        value.actual_amount,
        value.detected_at,
        append_ms,
        value.due_at,
        document(value.explanation),
        value.owner_topic,
        value.owner_key,
        document(value),
    )


_SHAPES: Final[Mapping[str, Callable[[Ref, Any], Row]]] = {
    "platform": _platform,
    "merchant": _merchant,
    "payment": _payment,
    "payout": _payout,
    "account": _account,
    "claim": _claim,
    "parked": _parked,
    "timer": _timer,
    "item": _item,
}


def to_row(ref: Ref, value: Any, append_ms: Mapping[str, int]) -> Row:
    """Columns of one row to write. `append_ms`: `Commit.append_ms`, which only mismatches use."""
    if ref.kind == "mismatch":
        return _mismatch(ref, value, append_ms.get(ref.key[0]))
    return _SHAPES[ref.kind](ref, value)


def to_text(kind: str, value: Any) -> str:
    """The value as `read_row` of the database gives it, to compare a row that was read."""
    if kind in ("account", "claim"):
        return str(value)
    return document(value.record if kind == "timer" else value)


def to_value(kind: str, state: str, number: int | None) -> Any:
    """The value of a row of `load_rows`: `number` is an account's balance or a timer's due time in ms."""
    if kind == "account":
        return number
    if kind == "claim":
        return state
    if kind == "timer":
        return Timer(cast(int, number), _RECORDS.decode(state))
    return _DOCUMENTS[kind].decode(state)
