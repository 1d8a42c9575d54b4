"""The same facts through two configurations, in memory: what would other rules have opened and matched?

Expectations, settlement lines, trailers and bank lines are decided again by the lanes' own rules, each
arriving on its own day, with timers up to the day asked for. Both sides are decided so, hence they differ
by the configuration alone. Nothing is written or sent.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from datetime import datetime
from heapq import heappop, heappush
from typing import Any, Final, NamedTuple

from msgspec.structs import replace

from app.domain.calendar import start_of_day
from app.domain.commands import PlatformConfigure
from app.domain.decision import Conflict, Draft, Duplicate, Ignored, Refused, Source
from app.domain.fees import plan_fee
from app.domain.mismatch import OPEN_STATUSES, Mismatch
from app.domain.settlement import ExpectationAnnounced
from app.domain.state import Ref
from app.domain.streams import BANKING_COMMANDS, MATCHING_COMMANDS
from app.domain.timers import from_epoch_ms
from app.lane.catalogue import RULES

LANES: Final = (MATCHING_COMMANDS, BANKING_COMMANDS)


class Fact(NamedTuple):
    """A record of a lane and when it is taken to have come."""

    at: datetime
    topic: str
    record: Any


class Outcome(NamedTuple):
    """`open`: what is open at the end, by id; `matched`: pairs by rule; `refused`: facts not taken."""

    open: dict[str, Mismatch]
    matched: Counter[str]
    refused: int


class Difference(NamedTuple):
    """What only one of two outcomes has; `moved`: open in both, with other figures (before, after)."""

    gone: list[Mismatch]
    come: list[Mismatch]
    moved: list[tuple[Mismatch, Mismatch]]


def decide_again(platform: PlatformConfigure, facts: Sequence[Fact], until: datetime) -> Outcome:
    """Facts in the order of their days, then whatever is due until then."""
    world = _World()
    ordered = sorted(facts, key=lambda fact: (fact.at, fact.record.id))
    start = ordered[0].at if ordered else until
    for topic in LANES:
        world.decide(Fact(start, topic, platform), "")
    for fact in ordered:
        if fact.at > until:
            break
        world.fire(fact.at)
        world.say(fact if fact.topic == BANKING_COMMANDS else _with_fee(fact, platform))
    world.fire(until)
    return world.outcome()


def difference(before: Outcome, after: Outcome) -> Difference:
    both = before.open.keys() & after.open.keys()
    return Difference(
        gone=[before.open[key] for key in sorted(before.open.keys() - both)],
        come=[after.open[key] for key in sorted(after.open.keys() - both)],
        moved=[
            (before.open[key], after.open[key])
            for key in sorted(both)
            if _figures(before.open[key]) != _figures(after.open[key])
        ],
    )


def _figures(mismatch: Mismatch) -> tuple[Any, ...]:
    return (mismatch.severity, mismatch.expected_amount, mismatch.actual_amount, mismatch.currency)


def _with_fee(fact: Fact, platform: PlatformConfigure) -> Fact:
    """A capture's expected fee follows from its PSP's plan, so it is made anew where that has changed."""
    record = fact.record
    if not isinstance(record, ExpectationAnnounced) or record.kind != "capture":
        return fact
    psp = platform.psps.get(record.psp)
    if psp is None or psp.fee_plan is None:
        return fact._replace(record=replace(record, expected_fee=None))
    return fact._replace(
        record=replace(record, expected_fee=plan_fee(psp.fee_plan, record.gross, record.currency))
    )


class _Rows:
    """The state of one lane's only partition."""

    def __init__(self, topic: str) -> None:
        self.topic = topic
        self.rows: dict[Ref, Any] = {}
        self.offset = -1

    def get(self, ref: Ref) -> Any:
        return self.rows.get(ref)


class _World:
    def __init__(self) -> None:
        self._lanes = {topic: _Rows(topic) for topic in LANES}
        self._timers: list[tuple[int, str, Ref]] = []
        self._refused = 0

    def say(self, fact: Fact) -> None:
        key = RULES[fact.topic].record_key(fact.record) or ""
        self.decide(fact, key)

    def decide(self, fact: Fact, key: str) -> None:
        """The record, then what its decision sends between these lanes."""
        waiting = deque([(fact, key)])
        while waiting:
            one, its_key = waiting.popleft()
            draft = self._decided(one, its_key)
            for send in draft.sends if draft is not None else ():
                if send.topic in self._lanes:
                    waiting.append((Fact(one.at, send.topic, send.record), send.key))

    def _decided(self, fact: Fact, key: str) -> Draft | None:
        lane = self._lanes[fact.topic]
        lane.offset += 1
        draft = Draft(lane, Source(fact.topic, 0, lane.offset, key, fact.at))
        try:
            RULES[fact.topic].decide(draft, fact.record)
        except (Ignored, Duplicate):
            return None
        except (Refused, Conflict):
            self._refused += 1
            return None
        for ref, value in draft.state.items():
            lane.rows[ref] = value
            if ref.kind == "timer" and value is not None:
                heappush(self._timers, (value.due_at_ms, fact.topic, ref))
        return draft

    def fire(self, until: datetime) -> None:
        """Timers in the order of their due times; one that was moved or cleared is passed over."""
        while self._timers and from_epoch_ms(self._timers[0][0]) <= until:
            due_ms, topic, ref = heappop(self._timers)
            timer = self._lanes[topic].rows.get(ref)
            if timer is not None and timer.due_at_ms == due_ms:
                self.decide(Fact(from_epoch_ms(due_ms), topic, timer.record), ref.key[0])

    def outcome(self) -> Outcome:
        rows = [(ref, value) for lane in self._lanes.values() for ref, value in lane.rows.items()]
        found = {
            value.id: value
            for ref, value in rows
            if ref.kind == "mismatch" and value is not None and value.status in OPEN_STATUSES
        }
        matched: Counter[str] = Counter(
            held.rule
            for ref, value in rows
            if ref.kind == "item" and value is not None and value.expectation is not None
            for held in value.lines
        )
        for ref, value in rows:
            if ref.kind == "document" and ref.key[0] == "bank_line" and value is not None:
                matched.update(
                    ("C" if link.to.startswith("payout:") else "B") + link.rule for link in value.links
                )
        return Outcome(found, matched, self._refused)


def arrival(record: Any) -> datetime:
    """The day that a record names itself."""
    if isinstance(record, ExpectationAnnounced):
        return record.occurred_at
    day = getattr(record, "booked_on", None) or getattr(record, "booking_date", None) or record.value_date
    return start_of_day(day)
