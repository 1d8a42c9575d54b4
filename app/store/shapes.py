"""How state values become rows, per kind: the tuple of the composite type `<kind>_write`.

The order of columns here is that of `0004_commit_types.sql`: the value's own, then version and seen. This
runs several times per payment, so a shape is one call that builds one tuple.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, cast

import msgspec

from app.domain.alert_records import AlertsLaneRecord
from app.domain.banking import BankingLaneRecord
from app.domain.configuration import Platform
from app.domain.effect import Effect
from app.domain.effects import EffectsLaneRecord
from app.domain.matching import Item
from app.domain.matching_records import MatchingLaneRecord
from app.domain.merchant import Merchant
from app.domain.merchant_records import MerchantLaneRecord
from app.domain.mismatch import Mismatch
from app.domain.parking import Parked
from app.domain.payment import Payment
from app.domain.payout import Payout
from app.domain.runs import ReconciliationLaneRecord
from app.domain.state import Kind, Ref
from app.domain.timers import Timer, from_epoch_ms
from app.store.changes import plain_text
from app.store.collections import decode_document

Row = tuple[Any, ...]
Key = tuple[str, ...]

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
    "effect",
    "document",
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
    "effect": msgspec.json.Decoder(Effect),
}
_RECORDS: Final = msgspec.json.Decoder(
    cast(
        Any,
        MerchantLaneRecord
        | MatchingLaneRecord
        | BankingLaneRecord
        | EffectsLaneRecord
        | AlertsLaneRecord
        | ReconciliationLaneRecord,
    )
)
"""Of a timer, whichever lane set it."""


def document(value: Any) -> str:
    """The JSON text under which a value is kept; equal values give equal texts."""
    return _ENCODER.encode(value).decode()


def _platform(key: Key, value: Platform, version: int, seen: int | None) -> Row:
    return (document(value), version, seen)


def _merchant(key: Key, value: Merchant, version: int, seen: int | None) -> Row:
    return (
        key[0],
        value.name,
        value.configured,
        value.settlement_currency,
        value.negative_limit,
        document(value),
        version,
        seen,
    )


def _payment(key: Key, value: Payment, version: int, seen: int | None) -> Row:
    captured = value.captured_amount
    return (
        *key,
        value.status,
        value.dispute_status,
        value.settlement_status,
        captured if value.captures else value.amount,
        captured,
        value.refunded_amount if value.refunds else 0,
        value.disputed_amount,
        value.currency,
        value.psp,
        value.psp_payment_id,
        value.flags,
        document(value),
        version,
        seen,
    )


def _payout(key: Key, value: Payout, version: int, seen: int | None) -> Row:
    return (
        *key,
        value.status,
        value.amount,
        value.currency,
        value.bank_fee,
        value.psp_payout_id,
        document(value),
        version,
        seen,
    )


def _plain(key: Key, value: int | str, version: int, seen: int | None) -> Row:
    """A balance or a claim: the value is the column."""
    return (*key, value, version, seen)


def _parked(key: Key, value: Parked, version: int, seen: int | None) -> Row:
    return (*key, len(value.records), document(value), version, seen)


def _timer(key: Key, value: Timer, version: int, seen: int | None) -> Row:
    return (*key, from_epoch_ms(value.due_at_ms), document(value.record), version, seen)


def _item(key: Key, value: Item, version: int, seen: int | None) -> Row:
    expected = value.expectation
    first = expected or (value.lines[0].record if value.lines else None)
    return (
        *key,
        expected.merchant_id if expected else None,
        expected.payment_id if expected else None,
        first.currency if first else None,
        expected.gross if expected else None,
        len(value.lines),
        sum(line.record.gross for line in value.lines),
        document(value),
        version,
        seen,
    )


def _mismatch(key: Key, value: Mismatch, version: int, seen: int | None) -> Row:
    return (
        key[0],
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
        None,
        value.due_at,
        document(value.explanation),
        value.owner_topic,
        value.owner_key,
        document(value),
        version,
        seen,
    )


def _effect(key: Key, value: Effect, version: int, seen: int | None) -> Row:
    return (
        *key,
        value.offset,
        value.kind,
        value.object,
        value.seq,
        value.status,
        value.attempts,
        None if value.reason is None else plain_text(value.reason),
        value.created_at,
        value.next_at,
        value.deadline_at,
        document(value),
        version,
        seen,
    )


def _document(key: Key, value: msgspec.Struct, version: int, seen: int | None) -> Row:
    return (*key, document(value), version, seen)


def with_append_ms(rows: Sequence[Row], append_ms: Mapping[str, int]) -> list[Row]:
    """Rows of mismatches with `Commit.append_ms` filled in, in the column behind `detected_at`."""
    return [(*row[:13], append_ms.get(row[0]), *row[14:]) for row in rows]


SHAPES: Final[Mapping[str, Callable[[Key, Any, int, int | None], Row]]] = {
    "platform": _platform,
    "merchant": _merchant,
    "payment": _payment,
    "payout": _payout,
    "account": _plain,
    "claim": _plain,
    "parked": _parked,
    "timer": _timer,
    "item": _item,
    "mismatch": _mismatch,
    "effect": _effect,
    "document": _document,
}
"""Kind -> shape(key, value, version, seen)."""


def to_text(kind: str, value: Any) -> str:
    """The value as `read_row` of the database gives it, to compare a row that was read."""
    if kind in ("account", "claim"):
        return str(value)
    return document(value.record if kind == "timer" else value)


def to_value(ref: Ref, state: str, number: int | None) -> Any:
    """The value of a row of `load_rows`: `number` is an account's balance or a timer's due time in ms."""
    kind = ref.kind
    if kind == "document":
        return decode_document(ref.key, state)
    if kind == "account":
        return number
    if kind == "claim":
        return state
    if kind == "timer":
        return Timer(cast(int, number), _RECORDS.decode(state))
    return _DOCUMENTS[kind].decode(state)
