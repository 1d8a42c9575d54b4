"""The independent answer: each partition's log decided record by record in one plain loop over dictionaries.

No lane code, no batches, no tables, no versions to check: only the deciders and the rules of design.md §4
written down a second time, as simply as they can be.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec

from app.contracts.codec import Undecodable, content_hash, decode, encode
from app.domain import (
    alerts_lane,
    bank_door,
    banking_lane,
    effects_lane,
    matching_lane,
    merchant_lane,
    reconciliation_lane,
    settlement_door,
)
from app.domain.decision import Conflict, Draft, Duplicate, Ignored, Parked, Refused, Source, Transaction
from app.domain.ledger_events import ledger_event
from app.domain.parking import park
from app.domain.state import Ref
from app.domain.streams import (
    ALERTS_COMMANDS,
    BANK_LINES,
    BANKING_COMMANDS,
    EFFECTS_REQUESTS,
    LANE_CODES,
    LEDGER_TRANSACTIONS,
    MATCHING_COMMANDS,
    PAYMENTS_COMMANDS,
    PSP_WEBHOOKS,
    RECONCILIATION_COMMANDS,
    SETTLEMENTS_LINES,
)
from app.domain.timers import is_set_again
from app.kafka.partitioner import partition_for
from app.psp import door as webhook_door
from app.store.api import LaneId
from tests.simulation.broker import Record

DECIDERS: dict[str, Any] = {
    PAYMENTS_COMMANDS: merchant_lane,
    MATCHING_COMMANDS: matching_lane,
    SETTLEMENTS_LINES: settlement_door,
    BANKING_COMMANDS: banking_lane,
    BANK_LINES: bank_door,
    EFFECTS_REQUESTS: effects_lane,
    ALERTS_COMMANDS: alerts_lane,
    RECONCILIATION_COMMANDS: reconciliation_lane,
    PSP_WEBHOOKS: webhook_door,
}
DOORS = (SETTLEMENTS_LINES, BANK_LINES, PSP_WEBHOOKS)
CORRECTED = (MATCHING_COMMANDS, BANKING_COMMANDS)
"""Lanes whose facts come from files: another content under a known id corrects the first."""
Decide = Callable[[Draft, Any], None]
Published = tuple[str, int, bytes | None, bytes | None]
"""Topic, partition, key and value of a record that a lane sends; headers are compared by the lane's tests."""


class Answer(NamedTuple):
    """What one lane must have made of its log. `rows` maps ref -> (value, offset of its last change)."""

    outcomes: dict[int, str]
    rows: dict[Ref, tuple[Any, int]]
    transactions: list[Transaction]
    published: list[Published]


class Oracle:
    """One lane's replay."""

    def __init__(self, lane: LaneId, partitions: dict[str, int]) -> None:
        self.lane = lane
        self.partitions = partitions
        self.deciders = DECIDERS[lane.topic]
        self.is_door = lane.topic in DOORS
        self.values: dict[Ref, Any] = {}
        self.changed_at: dict[Ref, int] = {}
        self.known: dict[tuple[str, str], bytes] = {}
        self.outcomes: dict[int, str] = {}
        self.transactions: list[Transaction] = []
        self.published: list[Published] = []

    def get(self, ref: Ref) -> Any:
        return self.values.get(ref)

    def replay(self, records: Iterable[Record]) -> Answer:
        for record in records:
            self.outcomes[record.offset] = self._outcome(record)
        rows = {ref: (value, self.changed_at[ref]) for ref, value in self.values.items() if value is not None}
        return Answer(self.outcomes, rows, self.transactions, self.published)

    def _outcome(self, record: Record) -> str:
        try:
            command = decode(self.lane.topic, record.value)
        except Undecodable:
            return "dead_letter"
        if self.is_door:
            key = (record.key or b"").decode()
            return self._decide(record, command, key, self.deciders.decide)
        key = self.deciders.record_key(command)
        if key is None:
            key = str(self.lane.partition)
        elif record.key != key.encode() or self._home(key) != self.lane.partition:
            return self._forward(record, key)
        if b"\\u0000" in (record.value or b""):
            return "dead_letter"
        return self._once(record, command, key)

    def _home(self, key: str) -> int:
        return partition_for(key.encode(), self.partitions[self.lane.topic])

    def _forward(self, record: Record, key: str) -> str:
        if any(name == "tallystick-forwarded" for name, _ in record.headers):
            return "dead_letter"
        self.published.append((self.lane.topic, self._home(key), key.encode(), record.value))
        return "forwarded"

    def _once(self, record: Record, command: Any, key: str) -> str:
        """An id counts once per key; a settlement line that comes with other content is a correction."""
        content, known = content_hash(command), self.known
        name = (key, command.id)
        decide = self.deciders.decide
        if name in known:
            if known[name] == content:
                if not (command.is_timer and is_set_again(self, key, command.id)):
                    return "duplicate"
                name = (key, f"{command.id}#{record.offset}")
            elif self.lane.topic not in CORRECTED or not self.deciders.accepts_correction(command):
                return "dead_letter"
            else:
                name = (key, f"{command.id}#{content.hex()}")
                if name in known:
                    return "duplicate"
                decide = getattr(self.deciders, "correct", decide)
        outcome = self._decide(record, command, key, decide)
        if outcome not in ("duplicate", "dead_letter"):
            known[name] = content
        return outcome

    def _decide(self, record: Record, command: Any, key: str, decide: Decide) -> str:
        draft = self._draft(record, key)
        try:
            decide(draft, command)
        except Refused as refusal:
            draft = self._draft(record, key)
            tell: Callable[..., None] | None = getattr(self.deciders, "refused", None)
            if tell is not None:
                tell(draft, command, refusal)
            self._keep(draft)
            return "refused"
        except Ignored:
            return "ignored"
        except Duplicate:
            return "duplicate"
        except Conflict:
            return "dead_letter"
        except Parked as parked:
            draft = self._draft(record, key)
            park(draft, parked.subject, encode(command))
            self._keep(draft)
            return "parked"
        self._keep(draft)
        return "applied"

    def _draft(self, record: Record, key: str) -> Draft:
        now = datetime.fromtimestamp(record.timestamp / 1000, UTC)
        return Draft(self, Source(self.lane.topic, self.lane.partition, record.offset, key, now))

    def _keep(self, draft: Draft) -> None:
        for ref, value in draft.state.items():
            self.values[ref] = value
            self.changed_at[ref] = draft.source.offset
        for send in draft.sends:
            self._publish(send.topic, send.key, send.record)
        for transaction in draft.transactions:
            self.transactions.append(transaction)
            self._publish(LEDGER_TRANSACTIONS, str(self.lane), ledger_event(transaction, draft.source))

    def _publish(self, topic: str, key: str, record: msgspec.Struct) -> None:
        raw = key.encode()
        partition = partition_for(raw, self.partitions[topic])
        self.published.append((topic, partition, raw, encode(record)))


def replay(lane: LaneId, records: Iterable[Record], partitions: dict[str, int]) -> Answer:
    """What `lane` must have made of `records`, its whole log in order."""
    return Oracle(lane, partitions).replay(records)


def lane_code(lane: LaneId) -> str:
    return f"{LANE_CODES[lane.topic]}.{lane.partition}"
