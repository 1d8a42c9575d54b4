"""The sandbox PSP's books: the sum of its journal's entries, in memory.

Everything here is changed by `apply` alone, so that a restart that reads the journal ends where the last
process was. They are the truth that others' books are compared with.
"""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from datetime import datetime
from typing import Any, TypeVar

from msgspec.structs import replace

from app.sandbox.objects import (
    BankMove,
    Batch,
    Capture,
    Charge,
    Dispute,
    Entry,
    Kept,
    Movement,
    Notice,
    Object,
    Payout,
    Refund,
    Session,
    Thing,
)

Kind = TypeVar("Kind", bound=Thing)
KINDS: dict[str, type[Thing]] = {
    "sessions": Session,
    "charges": Charge,
    "captures": Capture,
    "refunds": Refund,
    "disputes": Dispute,
    "payouts": Payout,
    "batches": Batch,
}
"""Name in URLs and in the books -> the kind of object."""
NAMES = {kind: name for name, kind in KINDS.items()}
OUR_IDS: dict[type[Thing], str] = {Charge: "payment_id", Payout: "payout_id"}
"""By which of our ids, in its metadata, an object is found."""


class Books:
    def __init__(self) -> None:
        self.seq = 0
        self.statements = 0
        self.keys: dict[str, Kept] = {}
        self.movements: dict[str, Movement] = {}
        self.open: dict[str, Movement] = {}
        """Movements that no batch has settled yet."""
        self.bank: list[BankMove] = []
        self.unprinted: list[BankMove] = []
        """Bank lines that no statement has printed yet."""
        self.bank_balances: Counter[str] = Counter()
        self.balances: Counter[str] = Counter()
        """Currency -> what the PSP owes."""
        self.undelivered: dict[str, Notice] = {}
        self.due: list[tuple[datetime, str, str]] = []
        """A heap of (when, kind, id); whoever reads it skips an object whose `due_at` has changed since."""
        self._kinds: dict[type[Thing], dict[str, Any]] = {kind: {} for kind in KINDS.values()}
        self._parts: defaultdict[str, dict[type[Thing], list[str]]] = defaultdict(dict)
        self._ours: dict[tuple[type[Thing], str, str], str] = {}

    def all(self, kind: type[Kind]) -> dict[str, Kind]:
        return self._kinds[kind]

    def parts(self, kind: type[Kind], charge: str) -> list[Kind]:
        """Captures, refunds or disputes of a charge, oldest first."""
        found = self.all(kind)
        return [found[each] for each in self._parts[charge].get(kind, ())] if charge in self._parts else []

    def ours(self, kind: type[Kind], merchant_id: str, our_id: str) -> Kind | None:
        """The charge or payout that carries these ids in its metadata; the latest where there are several."""
        found = self._ours.get((kind, merchant_id, our_id))
        return self.all(kind)[found] if found else None

    def apply(self, entry: Entry) -> None:
        self.seq = entry.seq
        if entry.key is not None and entry.kept is not None:
            self.keep(entry.seq, entry.key, entry.kept)
        for each in entry.objects:
            self._put(each)
        for movement in entry.movements:
            self.movements[movement.id] = self.open[movement.id] = movement
            self.balances[movement.currency] += movement.net
        for movement_id, batch in entry.settled.items():
            movement = self.open.pop(movement_id)
            self.movements[movement_id] = replace(movement, batch=batch)
            self.balances[movement.currency] -= movement.net
        self._apply_bank(entry)
        self.undelivered.update({notice.id: notice for notice in entry.notices})
        for notice_id in entry.delivered:
            self.undelivered.pop(notice_id, None)

    def keep(self, seq: int, key: str, kept: Kept) -> None:
        """The answer to a key; it belongs to the entry with this number."""
        self.seq = seq
        self.keys[key] = kept

    def _apply_bank(self, entry: Entry) -> None:
        self.bank.extend(entry.bank)
        self.unprinted.extend(entry.bank)
        for line in entry.bank:
            self.bank_balances[line.currency] += line.amount
        if entry.statement:
            self.statements, self.unprinted = entry.statement, []

    def _put(self, thing: Object) -> None:
        kind = type(thing)
        known = self._kinds[kind]
        if thing.id not in known:
            self._index(thing)
        known[thing.id] = thing
        if thing.due_at is not None:
            heapq.heappush(self.due, (thing.due_at, NAMES[kind], thing.id))

    def _index(self, thing: Object) -> None:
        if isinstance(thing, Capture | Refund | Dispute):
            self._parts[thing.charge].setdefault(type(thing), []).append(thing.id)
        our_id = thing.metadata.get(OUR_IDS.get(type(thing), ""))
        if our_id is not None:
            self._ours[type(thing), thing.metadata.get("merchant_id", ""), our_id] = thing.id
