"""Merchant, matching and banking lane with their doors, over several partitions each, in memory.

The real rules of `app.lane.catalogue`; ids, corrections, refusals, parking and timers are treated as the
engine treats them (`app/lane/deciding.py`). The order between partitions is a seed's; within one log it is
kept, as Kafka keeps it. What goes to other topics (events, ledger, effects) is left out.
"""

from __future__ import annotations

import random
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from heapq import heappop, heappush
from typing import Any, Final

import msgspec

from app.domain.accounts import signed
from app.domain.banking import BankLine
from app.domain.decision import (
    Conflict,
    Draft,
    Duplicate,
    Ignored,
    Parked,
    Refused,
    Source,
    Transaction,
)
from app.domain.mismatch import OPEN_STATUSES, Mismatch
from app.domain.parking import park
from app.domain.settlement import SettlementLine, SettlementTrailer
from app.domain.state import Ref
from app.domain.streams import (
    BANK_LINES,
    BANKING_COMMANDS,
    MATCHING_COMMANDS,
    PAYMENTS_COMMANDS,
    SETTLEMENTS_LINES,
)
from app.domain.timers import from_epoch_ms, is_set_again
from app.kafka.partitioner import partition_for
from app.lane.catalogue import RULES
from tests.support.matching_world import NOON

OWNERS: Final = (PAYMENTS_COMMANDS, MATCHING_COMMANDS, BANKING_COMMANDS)
TOPICS: Final = (*OWNERS, SETTLEMENTS_LINES, BANK_LINES)
_ENCODE: Final = msgspec.json.Encoder(order="deterministic").encode

Balances = dict[tuple[str, str], int]


def topic_of(fact: Any) -> str:
    """Where a fact from outside is said."""
    if isinstance(fact, SettlementLine | SettlementTrailer):
        return SETTLEMENTS_LINES
    return BANK_LINES if isinstance(fact, BankLine) else PAYMENTS_COMMANDS


class Partition:
    """One partition of one lane: its log, its rows, the ids it knows."""

    def __init__(self, topic: str, number: int) -> None:
        self.topic, self.number = topic, number
        self.rules = RULES[topic]
        self.log: deque[tuple[str, Any]] = deque()
        self.state: dict[Ref, Any] = {}
        self.known: dict[tuple[str, str], set[bytes]] = {}
        self.offset = 0

    def get(self, ref: Ref) -> Any:
        return self.state.get(ref)


class AllLanes:
    """`say` puts a fact into its log; `run` decides until all logs are empty; then `fire_timers`."""

    def __init__(
        self, partitions: int = 1, chance: random.Random | None = None, start: datetime = NOON
    ) -> None:
        self.chance = chance or random.Random(0)
        self.now = start
        self.lanes = {topic: [Partition(topic, number) for number in range(partitions)] for topic in TOPICS}
        self.transactions: list[Transaction] = []
        self.outcomes: Counter[str] = Counter()
        self.unhappy: list[tuple[str, Any, str]] = []
        """(outcome, record, why) of everything refused, ignored or dead."""
        self._timers: list[tuple[int, Ref, str, int]] = []

    @property
    def partitions(self) -> list[Partition]:
        return [partition for lane in self.lanes.values() for partition in lane]

    def say(self, fact: Any, topic: str | None = None) -> None:
        """A fact from outside; one without a key (the platform's configuration) goes into every log."""
        for name in [topic] if topic else self._topics(fact):
            key = self.lanes[name][0].rules.record_key(fact)
            is_door = self.lanes[name][0].rules.is_door
            if key is None and not is_door:
                for partition in self.lanes[name]:
                    partition.log.append(("", fact))
            else:
                self._publish(name, key or "-", fact)

    def _topics(self, fact: Any) -> Sequence[str]:
        return OWNERS if type(fact).__name__ == "PlatformConfigure" else (topic_of(fact),)

    def _publish(self, topic: str, key: str, record: Any) -> None:
        lane = self.lanes[topic]
        lane[partition_for(key.encode(), len(lane))].log.append((key, record))

    def run(self, steps: int | None = None) -> None:
        """Decide records of partitions taken by chance; all of them unless `steps` says how many."""
        while waiting := [partition for partition in self.partitions if partition.log]:
            if steps == 0:
                return
            steps = None if steps is None else steps - 1
            self._take(self.chance.choice(waiting))

    def settle_down(self, facts: Iterable[Any]) -> None:
        """Facts in the order given, some of their consequences decided in between, then ten years' timers."""
        for fact in facts:
            self.say(fact)
            self.run(self.chance.choice((0, 1, 3, 9)))
        self.run()
        self.fire_timers(self.now + timedelta(days=3650))

    # --- what the engine does -------------------------------------------------------------------------------

    def _take(self, partition: Partition) -> None:
        key, command = partition.log.popleft()
        outcome, why = self._decide(partition, key, command)
        self.outcomes[outcome] += 1
        if outcome in ("refused", "ignored", "dead_letter"):
            self.unhappy.append((outcome, command, why))

    def _decide(self, partition: Partition, key: str, command: Any) -> tuple[str, str]:
        rules, decide = partition.rules, partition.rules.decide
        known: set[bytes] = set()
        if not rules.is_door:
            known = partition.known.setdefault((key, command.id), set())
            content = _ENCODE(command)
            if content in known and not (command.is_timer and is_set_again(partition, key, command.id)):
                return "duplicate", ""
            if known and content not in known:
                if not rules.accepts_correction(command):
                    return "dead_letter", "id_conflict"
                decide = rules.correct or decide
        outcome, why, draft = self._attempt(partition, key, command, decide)
        partition.offset += 1
        if draft is not None:
            self._absorb(partition, draft)
        if not rules.is_door and outcome not in ("duplicate", "dead_letter"):
            known.add(content)
        return outcome, why

    def _attempt(
        self, partition: Partition, key: str, command: Any, decide: Any
    ) -> tuple[str, str, Draft | None]:
        draft = self._draft(partition, key)
        try:
            decide(draft, command)
        except Refused as refusal:
            return "refused", str(refusal), None
        except Ignored as ignored:
            return "ignored", ignored.reason, None
        except Duplicate:
            return "duplicate", "", None
        except Conflict as conflict:
            return "dead_letter", str(conflict), None
        except Parked as parked:
            draft = self._draft(partition, key)
            park(draft, parked.subject, _ENCODE(command))
            return "parked", parked.subject, draft
        return "applied", "", draft

    def _draft(self, partition: Partition, key: str) -> Draft:
        return Draft(partition, Source(partition.topic, partition.number, partition.offset, key, self.now))

    def _absorb(self, partition: Partition, draft: Draft) -> None:
        for ref, value in draft.state.items():
            if value is None:
                partition.state.pop(ref, None)
            else:
                partition.state[ref] = value
                if ref.kind == "timer":
                    heappush(self._timers, (value.due_at_ms, ref, partition.topic, partition.number))
        self.transactions += draft.transactions
        for send in draft.sends:
            if send.topic in self.lanes:
                self._publish(send.topic, send.key, send.record)

    def fire_timers(self, until: datetime) -> None:
        """Every timer that is due, in order of their due times, each with all its consequences."""
        while self._timers and from_epoch_ms(self._timers[0][0]) <= until:
            due_at_ms, ref, topic, number = heappop(self._timers)
            partition = self.lanes[topic][number]
            timer = partition.state.get(ref)
            if timer is None or timer.due_at_ms != due_at_ms:
                continue
            self.now = max(self.now, from_epoch_ms(due_at_ms))
            partition.log.append((ref.key[0], timer.record))
            self.run()

    # --- reading --------------------------------------------------------------------------------------------

    def rows(self, kind: str, topic: str | None = None) -> list[tuple[Ref, Any]]:
        lanes = self.lanes.values() if topic is None else [self.lanes[topic]]
        return sorted(
            [pair for lane in lanes for part in lane for pair in part.state.items() if pair[0].kind == kind]
        )

    def values(self, kind: str, topic: str | None = None) -> list[Any]:
        return [value for _, value in self.rows(kind, topic)]

    def mismatches(self) -> list[Mismatch]:
        return self.values("mismatch")

    def open(self) -> list[Mismatch]:
        return [mismatch for mismatch in self.mismatches() if mismatch.status in OPEN_STATUSES]

    def balances(self) -> Balances:
        """(account, currency) -> balance on its normal side, without the zeros; what the rows say as well."""
        sums: Balances = {}
        for transaction in self.transactions:
            for entry in transaction.entries:
                place = (entry.account, entry.currency)
                sums[place] = sums.get(place, 0) + signed(entry.account, entry.direction, entry.amount)
        stored: Balances = {}
        for ref, value in self.rows("account"):
            account, currency = ref.key
            stored[account, currency] = stored.get((account, currency), 0) + value
        assert stored == sums, "the stored balances are not the sums of their entries"
        return {place: balance for place, balance in sorted(sums.items()) if balance}
