"""Seeded histories of the matching lane's facts: expectations that change and go, lines that are corrected.

A history is a set of streams (an object's announcements, a line and its corrections); each keeps its own
order, as one sender's records do, and they may meet in any. Names and amounts come from a few, so that
everything collides.
"""

from __future__ import annotations

import random
from collections import deque
from datetime import date, timedelta
from typing import Any, Final

from msgspec.structs import replace

from app.domain.expectations import home_of
from app.domain.settlement import ExpectationAnnounced, ExpectationWithdrawn, LineKind, LineRecorded
from tests.support.matching_cluster import MatchingCluster, Partition
from tests.support.matching_world import NOON, expectation, line

KINDS: Final[tuple[LineKind, ...]] = (
    "capture",
    "capture",
    "refund",
    "chargeback",
    "chargeback_reversal",
    "adjustment",
)
AMOUNTS: Final = (1000, 1001, 1000, 2000)
CURRENCIES: Final = ("EUR", "EUR", "EUR", "USD")
DAYS: Final = (date(2026, 11, 20), date(2026, 11, 23), date(2026, 11, 25), date(2026, 12, 9))
NAMES: Final = ("o-1", "o-2", "pay-1", "pay-2")


class History:
    """`streams`: records whose order is kept; the last content of each line is in `lines`."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(f"history {seed}")
        self.kinds = self.rng.sample(KINDS, self.rng.choice((1, 1, 2)))
        self.streams: list[list[Any]] = []
        self.expected: dict[tuple[str, str], ExpectationAnnounced | None] = {}
        self.lines: dict[str, LineRecorded] = {}
        self._records = 0
        for number in range(self.rng.randint(1, 4)):
            self._tell_object(number)
        for number in range(self.rng.randint(1, 5)):
            self._tell_line(number)

    @property
    def expectations(self) -> list[ExpectationAnnounced]:
        """What is still expected in the end."""
        return [record for record in self.expected.values() if record is not None]

    def interleaved(self, seed: str) -> list[Any]:
        """All records in some order that keeps each stream's."""
        rng, rest = random.Random(f"order {seed}"), [stream[:] for stream in self.streams]
        told = []
        while rest := [stream for stream in rest if stream]:
            told.append(rng.choice(rest).pop(0))
        return told

    def _gross(self, kind: LineKind) -> int:
        amount = self.rng.choice(AMOUNTS)
        return -amount if kind in ("refund", "chargeback") else amount

    def _id(self) -> str:
        self._records += 1
        return f"e{self._records}"

    def _tell_object(self, number: int) -> None:
        """Announced, then changed, withdrawn or known by the PSP's id; each takes the one before it back."""
        rng, kind = self.rng, self.rng.choice(self.kinds)
        now: ExpectationAnnounced | None = self._announced(number, kind)
        stream: list[Any] = [now]
        last = now
        for _ in range(rng.choice((0, 0, 1, 2, 3))):
            new = None if now is not None and rng.random() < 0.3 else self._announced(number, kind)
            if new is not None and last is not None and rng.random() < 0.4:
                new = replace(last, id=self._id(), gross=self._gross(kind))
            if now is not None and (new is None or home_of(new) != home_of(now)):
                stream.append(self._withdrawn(now))
            if new is not None:
                stream.append(new)
            now, last = new, new or last
        self.streams.append(stream)
        self.expected[kind, f"obj-{number}"] = now

    def _announced(self, number: int, kind: LineKind) -> ExpectationAnnounced:
        rng = self.rng
        own = rng.choice((None, f"x_{number}"))
        names = (f"pi_{rng.choice((1, 2))}", rng.choice(NAMES), rng.choice(NAMES))
        kept = [name for name in names if rng.random() < 0.6]
        identities = tuple(dict.fromkeys([*([own] if own else []), *kept])) or (f"pay-{number}",)
        merchant = f"m-{number % 2}"
        return expectation(
            self._gross(kind),
            rng.choice((None, 20, 0)),
            id=self._id(),
            kind=kind,
            merchant_id=merchant,
            payment_id=f"pay-{number}",
            object_id=f"obj-{number}",
            identities=identities,
            currency=rng.choice(CURRENCIES),
            home=None if own else f"{merchant}/obj-{number}",
            has_reference=any(name.startswith("o-") for name in identities),
            occurred_at=NOON - timedelta(hours=1),
        )

    def _withdrawn(self, record: ExpectationAnnounced) -> ExpectationWithdrawn:
        return ExpectationWithdrawn(
            id=self._id(),
            psp=record.psp,
            identity=home_of(record),
            kind=record.kind,
            merchant_id=record.merchant_id,
            object_id=record.object_id,
        )

    def _tell_line(self, number: int) -> None:
        """A line and its corrections, which keep the identity it lives under."""
        rng = self.rng
        first = rng.choice((None, "pi_1", "pi_2", "x_0", "x_1", "o-1", "m-0/obj-0"))
        stream = [self._line(number, first, rng.choice(NAMES))]
        for _ in range(rng.choice((0, 0, 1, 1, 2, 3))):
            second = rng.choice((None, *NAMES)) if first else stream[0].merchant_ref
            corrected = self._line(number, first, second)
            if corrected not in stream:  # what came before is a repeat, whatever came in between
                stream.append(corrected)
        self.streams.append(stream)
        self.lines[stream[0].id] = stream[-1]

    def _line(self, number: int, psp_payment_id: str | None, reference: str | None) -> LineRecorded:
        rng, kind = self.rng, self.rng.choice(self.kinds)
        currency = rng.choice(CURRENCIES)
        converted: dict[str, Any] = {}
        gross = self._gross(kind) // rng.choice((1, 1, 1, 2))
        if rng.random() < 0.1:
            converted = {"settle_currency": "GBP", "rate": "0.9", "net": round(gross * 0.9) - 5}
        return line(
            f"L{number}",
            gross if rng.random() < 0.95 else -gross,
            rng.choice((0, 20, 25)) if not converted else 5,
            kind=kind,
            batch_id=rng.choice(("B1", "B2")),
            psp_payment_id=psp_payment_id,
            merchant_ref=reference,
            currency=currency,
            booked_on=rng.choice(DAYS),
            **converted,
        )


class SlowCluster(MatchingCluster):
    """What a partition sends takes its time: it is published in the order it was sent, later than decided."""

    def __init__(self, partitions: int, chance: random.Random) -> None:
        super().__init__(partitions, chance)
        self.outboxes: dict[int, deque[tuple[str, Any]]] = {n: deque() for n in range(partitions)}

    def run(self, steps: int | None = None) -> None:
        while waiting := self._waiting():
            if steps == 0:
                return
            steps = None if steps is None else steps - 1
            partition, queue = self.chance.choice(waiting)
            if queue is partition.log:
                self._decide(partition)
            else:
                key, record = queue.popleft()
                self._partition(key).log.append((key, record))

    def _waiting(self) -> list[tuple[Partition, deque[tuple[str, Any]]]]:
        logs = [(partition, partition.log) for partition in self.partitions]
        outboxes = [(partition, self.outboxes[partition.number]) for partition in self.partitions]
        return [(partition, queue) for partition, queue in (*logs, *outboxes) if queue]

    def _publish(self, partition: Partition, key: str, record: Any) -> None:
        self.outboxes[partition.number].append((key, record))
