"""The demo's truth against the real rules, in memory: one partition of each lane, timers in their time."""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from app.contracts.codec import Undecodable, content_hash, encode
from app.demo.configure import platform
from app.demo.generator import Generator
from app.demo.stream import COMMANDS, Event
from app.demo.truth import Truth
from app.domain.decision import Conflict, Draft, Duplicate, Ignored, Parked, Refused, Source
from app.domain.mismatch import OPEN_STATUSES, Mismatch
from app.domain.parking import park
from app.domain.state import Ref
from app.domain.streams import MATCHING_COMMANDS, PSP_WEBHOOKS
from app.lane.catalogue import RULES
from tests.support.stored_webhooks import stored

START = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
PAUSE = timedelta(seconds=30)
"""Between opening and stream: the first sales are released by then."""
WATCHED = timedelta(minutes=5)
"""After which all has come to rest; windows that are months long stay open."""
ENDINGS = {Refused: "refused", Ignored: "ignored", Duplicate: "duplicate", Conflict: "dead_letter"}


class World:
    """Decides records in order of time, and what they send and the timers they set after them."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, Ref], Any] = {}
        self.outcomes: dict[str, Counter[str]] = defaultdict(Counter)
        self._ids: dict[tuple[str, str, str], bytes] = {}
        self._queue: list[tuple[datetime, int, str, str, bytes]] = []
        self._number = 0
        self._topic = ""

    def get(self, ref: Ref) -> Any:
        return self.rows.get((self._topic, ref))

    def append(self, at: datetime, topic: str, key: str, value: bytes) -> None:
        self._number += 1
        heapq.heappush(self._queue, (at, self._number, topic, key, value))

    def run(self, until: datetime) -> None:
        """Until no record is left and no timer that is due by then."""
        while self._queue and self._queue[0][0] <= until:
            at, number, topic, key, value = heapq.heappop(self._queue)
            self._topic = topic
            self.outcomes[topic][self._take(Source(topic, 0, number, key, at), value)] += 1

    def _take(self, source: Source, value: bytes) -> str:
        rules = RULES[source.topic]
        try:
            command: Any = rules.decode(value)
        except Undecodable:
            return "dead_letter"
        if rules.is_door:
            return self._decide(source, command)
        identity, content = (source.topic, source.key, command.id), content_hash(command)
        if identity in self._ids:
            return "duplicate" if self._ids[identity] == content else "dead_letter"
        outcome = self._decide(source, command)
        self._ids[identity] = content
        return outcome

    def _decide(self, source: Source, command: Any) -> str:
        draft = Draft(self, source)
        try:
            RULES[source.topic].decide(draft, command)
            outcome = "applied"
        except Parked as parked:
            draft = Draft(self, source)
            park(draft, parked.subject, encode(command))
            outcome = "parked"
        except (Refused, Ignored, Duplicate, Conflict) as ending:
            return ENDINGS[type(ending)]
        for ref, value in draft.state.items():
            self.rows[source.topic, ref] = value
            if ref.kind == "timer" and value is not None:
                due = datetime.fromtimestamp(value.due_at_ms / 1000, UTC)
                self.append(max(due, source.now), source.topic, ref.key[0], encode(value.record))
        for send in draft.sends:
            if send.topic in RULES:
                self.append(source.now, send.topic, send.key, encode(send.record))
        return outcome

    def kind(self, kind: str) -> list[tuple[Ref, Any]]:
        return [
            (ref, value) for (_, ref), value in self.rows.items() if ref.kind == kind and value is not None
        ]

    def balances(self, *prefixes: str) -> Counter[str]:
        total: Counter[str] = Counter()
        for ref, balance in self.kind("account"):
            if ref.key[0].partition(":")[0] in prefixes:
                total[ref.key[1]] += balance
        return total


def played(seed: int) -> tuple[World, Truth]:
    """The whole demo of a seed: configuration, opening, twenty seconds of stream, everything that follows."""
    world, generator = World(), Generator(seed, 150, START)
    configuration = orjson.dumps({"type": "platform.configure", "id": "platform-1", **platform()})
    for topic in (COMMANDS, MATCHING_COMMANDS):
        world.append(START, topic, "0", configuration)
    append(world, START, generator.opening())
    generator.restart(START + PAUSE)
    append(world, START + PAUSE, generator.records(20))
    world.run(START + PAUSE + WATCHED)
    return world, generator.truth


def append(world: World, start: datetime, events: Iterable[Event]) -> None:
    for record in stored(events, start):
        world.append(start + timedelta(seconds=record.at), record.topic, record.key, record.value)


@pytest.mark.parametrize("seed", [1, 7, 42])
def test_truth_is_what_the_rules_make_of_the_stream(seed: int) -> None:
    world, truth = played(seed)
    payments = [value for _, value in world.kind("payment")]
    assert len(payments) == truth.payments
    assert sums(payments, "captured_amount") == truth.captured
    assert sums(payments, "refunded_amount") == truth.refunded
    assert world.balances("plat_fee") == truth.platform_fees
    assert world.balances("m_pend", "m_avail") == truth.merchants_money
    assert world.balances("transit") == truth.settled_net
    assert sums(payments, "disputed_amount") == +truth.disputed
    assert world.balances("m_hold") == +truth.held
    assert Counter(value.status for _, value in world.kind("payout")) == +truth.payouts
    assert sum(len(value.lines) for _, value in world.kind("item")) == truth.lines


@pytest.mark.parametrize("seed", [1, 7, 42])
def test_outcomes_and_mismatches_are_what_the_truth_says(seed: int) -> None:
    world, truth = played(seed)
    outcomes = world.outcomes[COMMANDS]
    for name in ("refused", "dead_letter"):
        assert outcomes[name] == truth.outcomes[name], name
    assert outcomes["parked"] >= truth.outcomes["parked"]
    assert world.outcomes[MATCHING_COMMANDS]["dead_letter"] == 0
    assert world.outcomes[PSP_WEBHOOKS]["dead_letter"] == truth.unreadable
    assert sum(world.outcomes[PSP_WEBHOOKS].values()) == truth.webhooks
    found: dict[str, set[str]] = defaultdict(set)
    for _, mismatch in world.kind("mismatch"):
        if mismatch.status in OPEN_STATUSES:
            found[mismatch.category].add(name_of(mismatch))
    assert found == truth.mismatches


def name_of(mismatch: Mismatch) -> str:
    """As the truth names it."""
    return mismatch.owner_key if mismatch.leg == "A" else f"{mismatch.merchant_id}/{mismatch.payment_id}"


def sums(rows: list[Any], name: str) -> Counter[str]:
    """Sum of a field per currency, without zeros."""
    total: Counter[str] = Counter()
    for row in rows:
        total[row.currency] += getattr(row, name)
    return +total
