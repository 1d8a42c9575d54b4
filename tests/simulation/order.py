"""Whatever the order of arrival, the same facts end the same (design.md §6): a schedule against the calm.

The calm: the same facts, shuffled, each with all that follows from it decided before the next one comes, in
one plain loop over dictionaries; timers last. A schedule had the same facts in another order, several workers
and faults, and timers that fired in between. Open exceptions, matches, balances and payments must be equal.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping
from random import Random
from typing import Any, Final, NamedTuple

from app.contracts.codec import encode
from app.domain.accounts import signed
from app.domain.decision import Transaction
from app.domain.matching import Item
from app.domain.mismatch import OPEN_STATUSES, Mismatch
from app.domain.payment import Payment
from app.domain.state import Ref
from app.kafka.publisher import Outgoing
from app.lane.catalogue import RULES
from app.store.api import LaneId
from tests.simulation.broker import Record
from tests.simulation.oracle import Oracle

START_MS: Final = 1_795_176_000_000
"""20 November 2026, 12:00 UTC."""
WHOLE_MS: Final = 100 * 86_400_000
LAST_TIMER_MS: Final = START_MS + WHOLE_MS
"""Windows that close later than this stay open in any order."""


class Ends(NamedTuple):
    """What must not depend on the order; rows as texts and numbers that can be compared and shown."""

    exceptions: list[tuple[Any, ...]]
    matches: list[tuple[str, str, str]]
    balances: dict[tuple[str, str], int]
    payments: list[tuple[Any, ...]]

    def differences(self, other: Ends) -> Iterator[str]:
        """What stands here and not there, and the other way round, per part."""
        for name, here, there in zip(self._fields, self, other, strict=True):
            if here != there:
                ours, theirs = Counter(_rows(here)), Counter(_rows(there))
                yield f"{name}: only here {sorted(ours - theirs)[:4]}, only there {sorted(theirs - ours)[:4]}"


def _rows(part: Any) -> Iterable[str]:
    return map(str, part.items() if isinstance(part, dict) else part)


def ends_of(rows: Iterable[tuple[Ref, Any]], transactions: Iterable[Transaction]) -> Ends:
    """`rows` of all lanes with their values."""
    kept: dict[str, list[Any]] = {"mismatch": [], "item": [], "payment": []}
    for ref, value in rows:
        if ref.kind in kept:
            kept[ref.kind].append(value)
    return Ends(
        sorted([_shown(m) for m in kept["mismatch"] if m.status in OPEN_STATUSES], key=str),
        sorted([pair for item in kept["item"] for pair in _pairs(item)]),
        _balances(transactions),
        sorted(map(_summary, kept["payment"])),
    )


def _shown(found: Mismatch) -> tuple[Any, ...]:
    figures = (found.currency, found.expected_amount, found.actual_amount)
    named = (found.merchant_id, found.payment_id, found.batch_id)
    return (found.leg, found.category, found.severity, *named, *figures, found.owner_key, found.id)


def _pairs(item: Item) -> Iterator[tuple[str, str, str]]:
    """By the PSP's id of the object, where it has one: what we call it is the first record's choice."""
    if item.here is not None:
        home = f"{item.here.merchant_id}/{item.here.payment_id}/{item.identity}"
        yield from ((held.record.id, home, held.rule) for held in item.lines)


def _balances(transactions: Iterable[Transaction]) -> dict[tuple[str, str], int]:
    sums: dict[tuple[str, str], int] = {}
    for transaction in transactions:
        for entry in transaction.entries:
            place = (entry.account, entry.currency)
            sums[place] = sums.get(place, 0) + signed(entry.account, entry.direction, entry.amount)
    return {place: balance for place, balance in sorted(sums.items()) if balance}


def _summary(payment: Payment) -> tuple[Any, ...]:
    amounts = (payment.captured_amount, payment.refunded_amount, payment.disputed_amount)
    states = (payment.status, payment.dispute_status, payment.settlement_status)
    return (payment.merchant_id, payment.id, payment.currency, *amounts, *states, sorted(payment.flags))


class Calm:
    """All lanes over plain dictionaries, one record after the other; time stands still until timers fire."""

    def __init__(self, partitions: dict[str, int], start_ms: int = START_MS) -> None:
        self.lanes = {
            LaneId(topic, number): Oracle(LaneId(topic, number), partitions)
            for topic in RULES
            for number in range(partitions[topic])
        }
        self._waiting: deque[tuple[LaneId, bytes | None, bytes | None]] = deque()
        self._ends: Counter[LaneId] = Counter()
        self._taken: Counter[LaneId] = Counter()
        self._now_ms = start_ms
        self._last_ms = start_ms + WHOLE_MS

    def tell(self, records: Iterable[Outgoing]) -> None:
        for record in records:
            self._append(LaneId(record.topic, record.partition), record.key, record.value)

    def fire_timers(self) -> None:
        while timers := sorted(self._timers(), key=lambda timer: timer[:3]):
            due_ms, lane, ref, record = timers[0]
            self._now_ms = max(self._now_ms, due_ms)
            self._append(lane, ref.key[0].encode(), encode(record))

    def _timers(self) -> Iterator[tuple[int, LaneId, Ref, Any]]:
        for lane, oracle in self.lanes.items():
            for ref, value in oracle.values.items():
                if ref.kind == "timer" and value is not None and value.due_at_ms < self._last_ms:
                    yield value.due_at_ms, lane, ref, value.record

    def _append(self, lane: LaneId, key: bytes | None, value: bytes | None) -> None:
        self._waiting.append((lane, key, value))
        while self._waiting:
            self._decide(*self._waiting.popleft())

    def _decide(self, lane: LaneId, key: bytes | None, value: bytes | None) -> None:
        oracle = self.lanes[lane]
        oracle.replay([Record(self._ends[lane], self._now_ms, key, value, ())])
        self._ends[lane] += 1
        sent = oracle.published[self._taken[lane] :]
        self._taken[lane] += len(sent)
        self._waiting += [(LaneId(topic, part), k, v) for topic, part, k, v in sent if topic in RULES]

    def ends(self) -> Ends:
        rows = (row for oracle in self.lanes.values() for row in oracle.values.items())
        kept = ((ref, value) for ref, value in rows if value is not None)
        return ends_of(kept, (t for oracle in self.lanes.values() for t in oracle.transactions))


def calm(told: Iterable[Outgoing], partitions: Mapping[str, int], rng: Random) -> Ends:
    """What the same facts end as: configuration first, then all others as `rng` will have it, timers last."""
    first: list[Outgoing] = []
    rest: list[Outgoing] = []
    for record in told:
        (first if b'.configure"' in (record.value or b"") else rest).append(record)
    rng.shuffle(rest)
    world = Calm(dict(partitions))
    world.tell(first + rest)
    world.fire_timers()
    return world.ends()
