"""The matching lane over several partitions: each decides its own log, what they send arrives in some order.

The order between partitions is a seed's; within one log it is kept, as Kafka keeps it. Ids and corrections
are treated as the lane's engine treats them.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from app.domain import matching_lane
from app.domain.accounts import signed
from app.domain.decision import Conflict, Draft, Duplicate, Ignored, Source, Transaction
from app.domain.mismatch import OPEN_STATUSES, Mismatch
from app.domain.state import Ref
from app.domain.streams import MATCHING_COMMANDS
from app.domain.timers import from_epoch_ms, is_set_again
from app.kafka.partitioner import partition_for
from tests.support.matching_world import NOON


class Partition:
    def __init__(self, number: int) -> None:
        self.number = number
        self.log: deque[tuple[str, Any]] = deque()
        self.state: dict[Ref, Any] = {}
        self.known: dict[tuple[str, str], set[bytes]] = {}
        self.offset = 0

    def get(self, ref: Ref) -> Any:
        return self.state.get(ref)


class MatchingCluster:
    """`facts` go to the logs of their keys; `run` decides until all logs are empty."""

    def __init__(self, partitions: int, chance: random.Random, start: datetime = NOON) -> None:
        self.partitions = [Partition(number) for number in range(partitions)]
        self.chance = chance
        self.now = start
        self.transactions: list[Transaction] = []
        self.to_merchants: list[Any] = []
        self.dead: list[Any] = []

    def say(self, record: Any) -> None:
        key = matching_lane.record_key(record)
        for partition in self.partitions if key is None else [self._partition(key)]:
            partition.log.append((key or "", record))

    def _partition(self, key: str) -> Partition:
        return self.partitions[partition_for(key.encode(), len(self.partitions))]

    def run(self, steps: int | None = None) -> None:
        """Decide records of partitions taken by chance; all of them unless `steps` says how many."""
        while waiting := [partition for partition in self.partitions if partition.log]:
            if steps == 0:
                return
            steps = None if steps is None else steps - 1
            self._decide(self.chance.choice(waiting))

    def settle_down(self, facts: Iterable[Any], pauses: Sequence[int] = (0,)) -> None:
        """Facts in the order given, some of their consequences decided in between, then a year's timers.

        `pauses`: seconds that may lie between two facts; timers that are due then fire.
        """
        for fact in facts:
            self.say(fact)
            self.run(self.chance.choice((0, 1, 3)))
            if pause := self.chance.choice(pauses):
                self.later(pause)
        self.run()
        self.fire_timers(self.now + timedelta(days=365))

    def _decide(self, partition: Partition) -> None:
        key, command = partition.log.popleft()
        content = msgspec.json.encode(command)
        known = partition.known.setdefault((key, command.id), set())
        if content in known and not is_set_again(partition, key, command.id):
            return
        decide: Any = matching_lane.decide
        if known and content not in known:
            if not matching_lane.accepts_correction(command):
                self.dead.append(command)
                return
            decide = matching_lane.correct
        partition.offset += 1
        source = Source(MATCHING_COMMANDS, partition.number, partition.offset, key, self.now)
        draft = Draft(partition, source)
        try:
            decide(draft, command)
        except (Ignored, Duplicate):
            return
        except Conflict:
            self.dead.append(command)
            return
        known.add(content)
        self._absorb(partition, draft)

    def _absorb(self, partition: Partition, draft: Draft) -> None:
        partition.state.update(draft.state)
        self.transactions += draft.transactions
        for send in draft.sends:
            if send.topic == MATCHING_COMMANDS:
                self._publish(partition, send.key, send.record)
            elif send.topic == "payments.commands":
                self.to_merchants.append(send.record)

    def _publish(self, partition: Partition, key: str, record: Any) -> None:
        self._partition(key).log.append((key, record))

    def fire_timers(self, until: datetime | None = None) -> None:
        """Every timer that is due, in order of their due times, with all its consequences."""
        while True:
            timers = [
                (value.due_at_ms, ref, partition)
                for partition in self.partitions
                for ref, value in partition.state.items()
                if ref.kind == "timer" and value is not None
            ]
            due = min(timers, key=lambda timer: timer[:2], default=None)
            if due is None or (until is not None and from_epoch_ms(due[0]) > until):
                return
            _, ref, partition = due
            self.now = max(self.now, from_epoch_ms(due[0]))
            partition.log.append((ref.key[0], partition.state[ref].record))
            self.run()

    def later(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self.fire_timers(self.now)

    def values(self, kind: str) -> list[Any]:
        return [
            value
            for partition in self.partitions
            for ref, value in partition.state.items()
            if ref.kind == kind and value is not None
        ]

    def open(self) -> list[Mismatch]:
        return sorted((m for m in self.values("mismatch") if m.status in OPEN_STATUSES), key=lambda m: m.id)

    def categories(self) -> list[str]:
        return sorted(mismatch.category for mismatch in self.open())

    def matches(self) -> list[tuple[str, str, str]]:
        """(line, expectation, rule) of every pair."""
        return sorted(
            (held.record.id, item.here.subject, held.rule)
            for item in self.values("item")
            for held in item.lines
            if item.here is not None
        )

    def balances(self) -> dict[tuple[str, str], int]:
        """Summed over all partitions from the entries, which must be what the stored rows say."""
        sums: dict[tuple[str, str], int] = {}
        for transaction in self.transactions:
            for entry in transaction.entries:
                place = (entry.account, entry.currency)
                sums[place] = sums.get(place, 0) + signed(entry.account, entry.direction, entry.amount)
        return {place: balance for place, balance in sorted(sums.items()) if balance}
