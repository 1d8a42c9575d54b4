"""Decides the records of one batch in order, each on top of the ones before it.

Plain synchronous code: where a rule needs a row that was not fetched ahead, `run` returns its `Ref`; the
caller puts the row into the overlay and calls `run` again, which goes on at the same record.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from app.contracts.codec import encode
from app.domain.decision import Conflict, Draft, Duplicate, Ignored, Parked, Refused, Send, Source
from app.domain.ledger_events import ledger_event
from app.domain.parking import park
from app.domain.state import NotLoaded, Ref
from app.domain.streams import LANE_CODES, LEDGER_TRANSACTIONS
from app.domain.timers import is_set_again
from app.kafka.errors import RecordTooLarge
from app.kafka.partitioner import partition_for
from app.kafka.publisher import Outgoing, check_size
from app.lane.intake import Entry
from app.lane.overlay import Overlay
from app.lane.ports import Rules
from app.store.api import DeadLetterRow, KeyRow, LaneId

ORIGIN: Final = "tallystick-origin-ms"
"""Header on records between lanes: when the record that caused this one was appended, epoch ms."""


class Deciding:
    """One batch being decided. `known`: (key, id) -> content hash of ids that were committed before."""

    def __init__(
        self,
        lane: LaneId,
        rules: Rules,
        partitions: Mapping[str, int],
        entries: list[Entry],
        known: dict[tuple[str, str], bytes],
    ) -> None:
        self.lane = lane
        self.rules = rules
        self.overlay = Overlay()
        self.counts: Counter[str] = Counter()
        self.keys: list[KeyRow] = []
        self.dead_letters: list[DeadLetterRow] = []
        self.transactions: list[Any] = []
        self.outgoing: list[Outgoing] = []
        self.append_ms: dict[str, int] = {}
        self.entry: Entry | None = None
        self._entries = entries
        self._known = known
        self._partitions = partitions
        self._next = 0
        self._gathered: dict[tuple[Any, ...], tuple[Any, Entry]] = {}
        self._ledger_key = str(lane).encode()
        self._ledger_partition = partition_for(self._ledger_key, partitions[LEDGER_TRANSACTIONS])

    def run(self) -> Ref | None:
        """Decide until done (None) or until a row is needed."""
        entries = self._entries
        while self._next < len(entries):
            self.entry = entry = entries[self._next]
            try:
                outcome = self._decide(entry)
            except NotLoaded as missing:
                return missing.ref
            self.counts[outcome] += 1
            self._next += 1
        self.entry = None
        self._send_gathered(list(self._gathered))
        return None

    def _decide(self, entry: Entry) -> str:
        if entry.forward is not None:
            return self._forward(entry, entry.forward)
        if entry.dead is not None:
            return self._bury(entry, entry.dead)
        if not self.rules.is_door:
            repeated = self._repeated(entry)
            if repeated is not None:
                return repeated
        try:
            outcome = self._apply_rules(entry)
        except RecordTooLarge as error:
            return self._bury(entry, f"too_large: {error}")
        if outcome not in ("duplicate", "dead_letter"):
            self.keys.append(KeyRow(entry.offset, entry.key, entry.id, entry.hash, outcome, entry.reason))
            self._known[entry.key, entry.id] = entry.hash
        return outcome

    def _forward(self, entry: Entry, record: Outgoing) -> str:
        """To the partition it belongs to; the header that says so may be what makes it too large."""
        try:
            check_size(record)
        except RecordTooLarge as error:
            return self._bury(entry, f"too_large: {error}")
        self.outgoing.append(record)
        return "forwarded"

    def _repeated(self, entry: Entry) -> str | None:
        """The outcome of a record whose id is known, None for one to decide."""
        known = self._known.get((entry.key, entry.id))
        if known is None:
            return None
        if known == entry.hash:
            if not (entry.command.is_timer and is_set_again(self.overlay, entry.key, entry.id)):
                return "duplicate"
            entry.id = f"{entry.id}#{entry.offset}"
            return None
        if not self.rules.accepts_correction(entry.command):
            return self._bury(entry, f"id_conflict: {entry.id!r} came before with other content")
        entry.id, entry.corrects = correction_id(entry), True
        return "duplicate" if (entry.key, entry.id) in self._known else None

    def _apply_rules(self, entry: Entry) -> str:
        draft = self._draft(entry)
        try:
            decide = self.rules.correct if entry.corrects and self.rules.correct else self.rules.decide
            decide(draft, entry.command)
            outcome = "applied"
        except Refused as refusal:
            return self._refuse(entry, refusal)
        except Ignored:
            return "ignored"
        except Duplicate:
            return "duplicate"
        except Conflict as conflict:
            return self._bury(entry, str(conflict))
        except Parked as parked:
            draft = self._draft(entry)
            park(draft, parked.subject, encode(entry.command))
            outcome = "parked"
        self._absorb(draft, entry)
        return outcome

    def _refuse(self, entry: Entry, refusal: Refused) -> str:
        """A refusal changes no state; what it tells the outside comes from the rules."""
        entry.reason = str(refusal)
        if self.rules.refused is not None:
            draft = self._draft(entry)
            self.rules.refused(draft, entry.command, refusal)
            if draft.transactions:
                raise AssertionError("a refusal must not post")
            self._absorb(draft, entry)
        return "refused"

    def _draft(self, entry: Entry) -> Draft:
        now = datetime.fromtimestamp(entry.record.timestamp / 1000, UTC)
        return Draft(self.overlay, Source(self.lane.topic, self.lane.partition, entry.offset, entry.key, now))

    def _absorb(self, draft: Draft, entry: Entry) -> None:
        """Raises RecordTooLarge, with nothing absorbed, for an output that could never be published."""
        outgoing = self._outputs(draft, entry)
        self._note_mismatches(draft, entry)
        self.overlay.absorb(draft)
        self.transactions += draft.transactions
        self.outgoing += outgoing
        for send in draft.sends:
            if type(send.record) in self.rules.gather:
                self._gather(send, entry)

    def _gather(self, send: Send, entry: Entry) -> None:
        """Together with what the batch has sent of the same kind to the same place."""
        record = send.record
        place = (send.topic, send.key, type(record), *self.rules.gather_by(record))
        known = self._gathered.get(place)
        both = None if known is None else self.rules.gather[type(record)](known[0], record)
        if known is not None and both is None:
            self._send_gathered([place])
        self._gathered[place] = (record, entry) if known is None or both is None else (both, known[1])

    def _send_gathered(self, places: Sequence[tuple[Any, ...]]) -> None:
        for place in places:
            record, entry = self._gathered.pop(place)
            self.outgoing.append(self._output(place[0], place[1], record, entry))

    def _outputs(self, draft: Draft, entry: Entry) -> list[Outgoing]:
        outgoing = [
            self._output(send.topic, send.key, send.record, entry)
            for send in draft.sends
            if type(send.record) not in self.rules.gather
        ]
        outgoing += [self._ledger_output(encode(ledger_event(t, draft.source))) for t in draft.transactions]
        return outgoing

    def _ledger_output(self, value: bytes) -> Outgoing:
        """All transactions of a lane go to one partition."""
        outgoing = Outgoing(LEDGER_TRANSACTIONS, self._ledger_partition, self._ledger_key, value)
        check_size(outgoing)
        return outgoing

    def _note_mismatches(self, draft: Draft, entry: Entry) -> None:
        for ref in draft.state:
            if ref.kind == "mismatch" and self.overlay.get(ref) is None:
                self.append_ms[ref.key[0]] = origin_ms(entry)

    def _output(self, topic: str, key: str, record: Any, entry: Entry) -> Outgoing:
        raw_key = key.encode()
        headers = ((ORIGIN, str(origin_ms(entry)).encode()),) if topic in LANE_CODES else ()
        partition = partition_for(raw_key, self._partitions[topic])
        outgoing = Outgoing(topic, partition, raw_key, encode(record), headers)
        check_size(outgoing)
        return outgoing

    def _bury(self, entry: Entry, reason: str) -> str:
        payload = entry.record.value
        self.dead_letters.append(DeadLetterRow(entry.offset, reason, payload or b"", entry.record.key))
        return "dead_letter"


def correction_id(entry: Entry) -> str:
    """Id under which a correction is kept: its content is part of it, so its own repeats are duplicates."""
    return f"{entry.id}#{entry.hash.hex()}"


def origin_ms(entry: Entry) -> int:
    """Append time, epoch ms, of the record that began the chain this one belongs to."""
    for name, value in entry.record.headers:
        if name == ORIGIN and value.isdigit() and len(value) < 15:
            return int(value)
    return entry.record.timestamp
