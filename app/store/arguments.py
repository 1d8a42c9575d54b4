"""A `Commit` as the arguments of the database's `apply_batch`, in its order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final

from msgspec.structs import replace

from app.domain.decision import Transaction
from app.domain.state import Ref
from app.store.api import BLIND, Change, Commit, KeyRow, Versioned
from app.store.changes import BLIND_KINDS, OUTCOMES, plain_text, sort_changes, source_offset
from app.store.shapes import KINDS, SHAPES, Row, to_text, with_append_ms

APPLY_BATCH: Final = f"SELECT apply_batch({', '.join(f'${n}' for n in range(1, 25))})"
LOAD_ROWS: Final = (
    "SELECT kind, i, state, number, version FROM load_rows("
    + ", ".join(f"${n}" for n in range(1, 24))
    + ") UNION ALL SELECT kind, i, state, number, version FROM load_documents($24, $25, $26)"
)

KEY_PARTS: Final[Mapping[str, int]] = {
    "merchant": 1,
    "payment": 2,
    "payout": 2,
    "account": 2,
    "claim": 2,
    "parked": 2,
    "timer": 3,
    "item": 3,
    "mismatch": 1,
    "effect": 2,
    "document": 3,
}
"""Kind -> parts of its key, in the order in which the two functions take them; a platform row has none."""


def apply_batch_arguments(commit: Commit) -> list[Any]:
    """Raises FailStop for a commit that no lane may make."""
    rows: dict[str, list[Row]] = {kind: [] for kind in KINDS}
    rest: dict[Ref, Change] = {}
    for ref, change in commit.state.items():
        (kind, key), (value, version, seen) = ref, change
        if value is None or (seen == BLIND and kind not in BLIND_KINDS):
            rest[ref] = change
        else:
            rows[kind].append(SHAPES[kind](key, value, version, seen))
    changes = sort_changes(replace(commit, state=rest))
    rows["mismatch"] = with_append_ms(rows["mismatch"], commit.append_ms)
    documents = rows.pop("document")
    return [
        *commit.lane,
        commit.first,
        commit.next,
        [commit.counts.get(outcome, 0) for outcome in OUTCOMES],
        [_key(row) for row in commit.keys],
        [row._replace(reason=plain_text(row.reason)) for row in commit.dead_letters],
        [(ref.kind, *_three(ref.key), seen) for ref, seen in changes.gone.items()],
        [_read(ref, row) for ref, row in changes.reads.items()],
        *rows.values(),
        [_transaction(transaction) for transaction in commit.transactions],
        list(_entries(commit.transactions)),
        commit.outbox,
        documents,
    ]


def _key(row: KeyRow) -> Row:
    return row if row.reason is None else row._replace(reason=plain_text(row.reason))


def load_arguments(refs: Collection[Ref]) -> tuple[list[Any], Mapping[str, Sequence[Ref]]]:
    """Arguments of `load_rows` after the lane's, and per kind the refs that its ordinals count (from 1)."""
    by_kind: dict[str, list[Ref]] = defaultdict(list)
    for ref in refs:
        by_kind[ref.kind].append(ref)
    arguments: list[Any] = ["platform" in by_kind]
    for kind, parts in KEY_PARTS.items():
        wanted = by_kind.get(kind)
        arguments += _columns([ref.key for ref in wanted]) if wanted else [()] * parts
    return arguments, by_kind


def _columns(keys: Iterable[tuple[str, ...]]) -> list[tuple[str, ...]]:
    return list(zip(*keys, strict=True))


def _three(key: tuple[str, ...]) -> tuple[str | None, ...]:
    return (*key, None, None, None)[:3]


def _read(ref: Ref, row: Versioned | None) -> Row:
    if row is None:
        return (ref.kind, *_three(ref.key), None, None)
    return (ref.kind, *_three(ref.key), to_text(ref.kind, row.value), row.version)


def _transaction(transaction: Transaction) -> Row:
    return (
        transaction.id,
        transaction.kind,
        transaction.merchant_id,
        transaction.payment_id,
        transaction.occurred_at,
        transaction.recorded_at,
        source_offset(transaction.id),
        transaction.reverses,
    )


def _entries(transactions: Sequence[Transaction]) -> Iterable[Row]:
    for transaction in transactions:
        for seq, entry in enumerate(transaction.entries, 1):
            yield (transaction.id, seq, *entry)
