"""What must hold after every step: checked on the store itself, for whatever a commit touched.

The checker keeps books of its own (sums of entries, offsets, outcomes), fed only by commits that the store
accepted, and compares the store with them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from app.domain.accounts import DEBIT, NORMAL_SIDE
from app.domain.decision import Entry, Transaction
from app.domain.merchant import Merchant
from app.domain.mismatch import OPEN_STATUSES, Mismatch
from app.domain.mismatches import mismatch_id
from app.domain.state import Ref
from app.domain.streams import LANE_CODES, PAYMENTS_COMMANDS
from app.errors import BadData, Moved, Stale
from app.store.api import Commit, LaneId, Versioned
from tests.support.memory_store import MemoryStore, address

TOPICS = {code: topic for topic, code in LANE_CODES.items()}
NEVER_NEGATIVE = ("m_pend", "m_hold")


class Checker:
    """`problem` is told of everything that does not hold."""

    def __init__(self, store: MemoryStore, problem: Callable[[str], None]) -> None:
        self._store = store
        self._problem = problem
        self.sums: dict[tuple[LaneId, str, str], int] = {}
        self.positions: dict[LaneId, int] = {}

    def restored(self) -> None:
        """The store went back to an older backup: begin again from what it holds."""
        self.sums.clear()
        for transaction in self._store.transactions.values():
            for entry in transaction.entries:
                key = (lane_of(transaction), entry.account, entry.currency)
                self.sums[key] = self.sums.get(key, 0) + _change(entry)
        self.positions = dict(self._store.next_offsets)

    def refused(self, commit: Commit, refusal: Exception) -> None:
        """What a lane may be told; anything else is a broken guard."""
        if not isinstance(refusal, Moved | Stale | BadData):
            self._problem(f"commit of {commit.lane} at {commit.first} refused: {refusal!r}")

    def committed(self, commit: Commit) -> None:
        self._check_batch(commit)
        merchants: set[tuple[str, str]] = set()
        for transaction in commit.transactions:
            self._check_posted(commit.lane, transaction)
        for ref, change in commit.state.items():
            row = self._store.rows.get(address(commit.lane, ref))
            if row != (None if change.value is None else Versioned(change.value, change.version)):
                self._problem(f"{commit.lane}: {ref} is {row}, the commit wrote {change}")
            if ref.kind == "account":
                self._check_account(commit.lane, ref, change.value, merchants)
        for merchant, currency in merchants:
            self._check_limit(commit.lane, merchant, currency)

    def _check_batch(self, commit: Commit) -> None:
        """Ranges are contiguous; outcomes add up to the records; each count equals its rows."""
        lane, counts = commit.lane, commit.counts
        expected = self.positions.get(lane, 0)
        if commit.first != expected or self._store.next_offsets.get(lane) != commit.next:
            self._problem(
                f"{lane}: committed [{commit.first}, {commit.next}) at position {expected}, "
                f"the store stands at {self._store.next_offsets.get(lane)}"
            )
        self.positions[lane] = commit.next
        kept = sum(counts.values()) - sum(counts.get(o, 0) for o in ("duplicate", "forwarded", "dead_letter"))
        if kept != len(commit.keys) or counts.get("dead_letter", 0) != len(commit.dead_letters):
            self._problem(f"{lane}: {dict(counts)} but {len(commit.keys)} keys")

    def _check_posted(self, lane: LaneId, transaction: Transaction) -> None:
        """Balanced per currency, each entry's balance the sum so far."""
        totals: dict[str, int] = {}
        for entry in transaction.entries:
            debit = entry.amount if entry.direction == DEBIT else -entry.amount
            totals[entry.currency] = totals.get(entry.currency, 0) + debit
            key = (lane, entry.account, entry.currency)
            self.sums[key] = total = self.sums.get(key, 0) + _change(entry)
            if entry.amount <= 0 or total != entry.balance_after:
                self._problem(f"{lane}: {entry} of {transaction.id}, but its entries sum to {total}")
        if any(totals.values()):
            self._problem(f"{lane}: {transaction.id} is out of balance by {totals}")
        if self._store.transactions.get(transaction.id) != transaction:
            self._problem(f"{lane}: {transaction.id} is not in the ledger as it was posted")

    def _check_account(self, lane: LaneId, ref: Ref, balance: int, merchants: set[tuple[str, str]]) -> None:
        account, currency = ref.key
        total = self.sums.get((lane, account, currency), 0)
        if balance != total:
            self._problem(f"{lane}: balance of {account} is {balance} {currency}, its entries sum to {total}")
        prefix, _, merchant = account.partition(":")
        if prefix in NEVER_NEGATIVE and balance < 0:
            self._problem(f"{lane}: {account} is {balance} {currency}")
        if prefix in ("m_avail", "m_pend"):
            merchants.add((merchant, currency))

    def _check_limit(self, lane: LaneId, merchant: str, currency: str) -> None:
        """Below the merchant's limit only with NEGATIVE_BALANCE open."""
        total = sum(self.sums.get((lane, f"{a}:{merchant}", currency), 0) for a in ("m_avail", "m_pend"))
        row = self._row(lane, Ref("merchant", (merchant,)))
        known: Merchant | None = row.value if row else None
        if total >= -(known.negative_limit if known else 0):
            return
        key = mismatch_id(PAYMENTS_COMMANDS, merchant, "M", "NEGATIVE_BALANCE", [merchant, currency])
        opened = self._row(lane, Ref("mismatch", (key,)))
        mismatch: Mismatch | None = opened.value if opened else None
        if mismatch is None or mismatch.status not in OPEN_STATUSES:
            self._problem(f"{merchant} stands at {total} {currency} and no NEGATIVE_BALANCE is open")

    def _row(self, lane: LaneId, ref: Ref) -> Versioned | None:
        return self._store.rows.get(address(lane, ref))

    def at_the_end(self) -> None:
        """All of it once more, from the store alone."""
        self._check_completeness()
        sums: dict[Any, int] = {}
        for transaction in self._store.transactions.values():
            for entry in transaction.entries:
                key = (lane_of(transaction), entry.account, entry.currency)
                sums[key] = sums.get(key, 0) + _change(entry)
        for place, row in self._store.rows.items():
            ref = place[1]
            if ref.kind == "account" and row.value != sums.pop((place[0], *ref.key), 0):
                self._problem(f"{place[0]}: balance of {ref.key} is not the sum of its entries")
        if any(sums.values()):
            self._problem(f"entries on accounts without a balance: {sums}")

    def _check_completeness(self) -> None:
        ends: dict[LaneId, int] = {}
        counts: dict[LaneId, Counter[str]] = {}
        for batch in self._store.batches:
            if batch.first != ends.get(batch.lane, 0):
                self._problem(f"{batch.lane}: no batch begins at {ends.get(batch.lane, 0)}")
            ends[batch.lane] = batch.last + 1
            counts.setdefault(batch.lane, Counter()).update(batch.counts)
        for lane, end in ends.items():
            if end != self._store.next_offsets[lane]:
                self._problem(
                    f"{lane}: batches end at {end}, the position is {self._store.next_offsets[lane]}"
                )
        keys = Counter(lane for lane, _ in self._store.record_keys.values())
        dead = Counter(lane for lane, _ in self._store.dead_letters)
        for lane, outcomes in counts.items():
            kept = sum(outcomes[name] for name in ("applied", "refused", "ignored", "parked"))
            if kept != keys[lane] or outcomes["dead_letter"] != dead[lane]:
                self._problem(f"{lane}: {dict(outcomes)}, but {keys[lane]} keys, {dead[lane]} dead letters")


def lane_of(transaction: Transaction) -> LaneId:
    """Whose record posted it; its id begins with the lane's code."""
    code, partition, _, _ = transaction.id.split(".")
    return LaneId(TOPICS[code], int(partition))


def _change(entry: Entry) -> int:
    """What an entry adds to its account's balance."""
    grows = NORMAL_SIDE[entry.account.split(":", 1)[0]] == entry.direction
    return entry.amount if grows else -entry.amount
