"""The record of `ledger.transactions`: a posted transaction with all its entries, keyed by lane partition.

It has no number of its own: within one source partition the transactions come in the order of
(`source_offset`, the last part of `id`), so a consumer that keeps the last pair drops what it has seen.
"""

from datetime import datetime

import msgspec

from app.domain.accounts import Direction
from app.domain.decision import Source, Transaction
from app.domain.fields import Amount


class LedgerEntry(msgspec.Struct, frozen=True, gc=False):
    """`amount` > 0 and `balance_after` in minor units; the balance is on the account's normal side."""

    account: str
    direction: Direction
    amount: Amount
    currency: str
    balance_after: int


class LedgerTransaction(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    gc=False,
    tag_field="type",
    tag="ledger.transaction",
):
    """Balanced per currency. `source_*` names the input record that caused it."""

    id: str
    kind: str
    merchant_id: str | None = None
    payment_id: str | None = None
    occurred_at: datetime
    recorded_at: datetime
    entries: tuple[LedgerEntry, ...]
    reverses: str | None = None
    source_topic: str
    source_partition: int
    source_offset: int


def ledger_event(transaction: Transaction, source: Source) -> LedgerTransaction:
    """The event of a transaction that the record at `source` posted."""
    return LedgerTransaction(
        id=transaction.id,
        kind=transaction.kind,
        merchant_id=transaction.merchant_id,
        payment_id=transaction.payment_id,
        occurred_at=transaction.occurred_at,
        recorded_at=transaction.recorded_at,
        entries=tuple([LedgerEntry(*entry) for entry in transaction.entries]),  # type: ignore[arg-type]
        reverses=transaction.reverses,
        source_topic=source.topic,
        source_partition=source.partition,
        source_offset=source.offset,
    )
