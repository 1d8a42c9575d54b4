"""What the parts of the generator share: the clock's heap, the random source, the truth, ids and encoding."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final, NamedTuple

import orjson

from app.demo.truth import Truth

COMMANDS: Final = "payments.commands"
LINES: Final = "settlements.lines"
MATCHING: Final = "matching.commands"
WEBHOOKS: Final = "psp.webhooks"
OWN_IDS: Final = "cmd-"
"""Begins the ids of all that our own systems send; records of PSPs, lanes and timers have others."""
ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


class Webhook(NamedTuple):
    """One delivery of a PSP's event. `at`: as of a record; it is signed when it is sent."""

    at: float
    psp: str
    event_id: str
    body: bytes
    forged: bool = False
    """Signed by somebody who does not know the secret."""


class Record(NamedTuple):
    """One record to send. `at`: seconds after the start; records of one key keep their order."""

    at: float
    topic: str
    key: str
    value: bytes


Document = dict[str, object]
Event = Record | Webhook
Step = Callable[[float], Event | None]
"""Makes what is sent when its time has come, so that truth and stream have one order; None: nothing."""


class Mix(NamedTuple):
    """How often things happen, per payment unless it says otherwise."""

    repeat: float = 0.03
    """Per command: the same bytes again."""
    restated: float = 0.02
    """Per fact: the same fact under another command id."""
    conflict: float = 0.001
    """Per payment: its command id again, with another amount."""
    garbage: float = 0.001
    """Bytes that are no record."""
    refund: float = 0.07
    payout: float = 0.012
    line_repeat: float = 0.02
    """Per settlement line: the same line again."""
    webhook_repeat: float = 0.06
    """Per webhook: delivered once more."""
    forged: float = 0.002
    """Per webhook: one with a wrong signature beside it."""
    unreadable: float = 0.001
    """Per webhook: one of a type that nobody knows beside it."""
    dispute: float = 0.012
    failed_attempt: float = 0.04
    """Per payment that its PSP reports: an attempt that failed before."""
    lapsed: float = 0.01
    """An authorisation that is never captured."""
    in_parts: float = 0.015
    """A capture that is settled by two lines."""
    converted: float = 0.01
    """A capture that is settled in another currency."""
    shared_reference: float = 0.003
    """Two payments under one order, settled by lines that name nothing else."""
    defects: float = 0.04
    """A mismatch is planted, of whichever category."""


NOTHING_ELSE: Final = Mix(*[0.0] * len(Mix._fields))
"""Payments and their settlement, without any mishap."""


class Stream:
    """The seeded source of one generator. Everything random comes from here, so a seed gives one stream."""

    def __init__(self, seed: int, start: datetime, mix: Mix, run: int = 0) -> None:
        self.random = Random(seed)
        self.truth = Truth()
        self.mix = mix
        self.start = start
        self._run = self.random.getrandbits(40) ^ (run & (1 << 40) - 1)
        self._heap: list[tuple[float, int, Step]] = []
        self._scheduled = 0
        self._ids = 0

    @property
    def scheduled(self) -> int:
        """Records that were put on the heap so far."""
        return self._scheduled

    def schedule(self, at: float, step: Step) -> None:
        heapq.heappush(self._heap, (at, self._scheduled, step))
        self._scheduled += 1

    def next_at(self) -> float | None:
        return self._heap[0][0] if self._heap else None

    def take(self) -> Event | None:
        """Run the earliest step."""
        at, _, step = heapq.heappop(self._heap)
        return step(at)

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def soon(self, low: float, high: float) -> float:
        return self.random.uniform(low, high)

    def new_id(self, prefix: str) -> str:
        """Different for every seed and call; looks like the ids PSPs give."""
        self._ids += 1
        return f"{prefix}{_base32(self._run, 8)}{_base32(self._ids, 7)}"

    def moment(self, at: float) -> str:
        """RFC 3339 in UTC with milliseconds."""
        moment = (self.start + timedelta(seconds=at)).astimezone(UTC)
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def epoch(self, at: float) -> int:
        """Whole seconds."""
        return int((self.start + timedelta(seconds=at)).timestamp())

    def business_day(self, at: float) -> str:
        """The day on which a PSP books: never a Saturday or Sunday."""
        day = (self.start + timedelta(seconds=at)).astimezone(UTC).date()
        weekend = day.weekday() - 4
        return (day + timedelta(days=3 - weekend) if weekend > 0 else day).isoformat()

    def record(self, at: float, topic: str, key: str, document: Document) -> Record:
        return self.raw(at, topic, key, orjson.dumps(document))

    def raw(self, at: float, topic: str, key: str, value: bytes) -> Record:
        self.truth.sent[topic] += 1
        return Record(at, topic, key, value)


def _base32(number: int, digits: int) -> str:
    text = ""
    for _ in range(digits):
        number, digit = divmod(number, 32)
        text = ALPHABET[digit] + text
    return text
