"""What lanes published: every output at least once, each lane's in its order after repeats are dropped.

Where two lanes send the very same record (the homes of a chargeback's two identities both know its merchant),
nobody can tell whose it was: it has to be there, and its place in the order says nothing.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from app.lane.catalogue import RULES
from app.store.api import LaneId
from tests.simulation.oracle import Published

if TYPE_CHECKING:
    from tests.hazards.oracle import Verdict


def digest(key: bytes | None, value: bytes | None) -> int:
    """Stands for a record: half a million of them would not fit otherwise."""
    content = blake2b(value or b"", digest_size=8, key=(key or b"")[:64])
    return int.from_bytes(content.digest(), "big")


class Outputs:
    """Target partition -> lane -> what it must have got from there, in order, without repeats."""

    def __init__(self) -> None:
        self._expected: dict[LaneId, dict[LaneId, dict[int, None]]] = defaultdict(lambda: defaultdict(dict))

    def expect(self, lane: LaneId, published: Iterable[Published]) -> None:
        for topic, partition, key, value in published:
            self._expected[LaneId(topic, partition)][lane].setdefault(digest(key, value))

    def compare(self, verdict: Verdict, target: LaneId, records: Sequence[Any]) -> None:
        wanted = self._expected.pop(target, {})
        senders = Counter(name for outputs in wanted.values() for name in outputs)
        shared = {name for name, count in senders.items() if count > 1}
        came: dict[LaneId, dict[int, None]] = {lane: {} for lane in wanted}
        repeats = unknown = 0
        for record in records:
            name = digest(record.key, record.value)
            owners = [lane for lane in wanted if name in wanted[lane]]
            unknown += not owners
            repeats += any(name in came[lane] for lane in owners)
            for lane in owners:
                came[lane].setdefault(name)
        for lane, outputs in wanted.items():
            missing = shared & outputs.keys() - came[lane].keys()
            own, found = ([name for name in side if name not in shared] for side in (outputs, came[lane]))
            self._judge(verdict, lane, target, own, found, len(missing))
        if unknown and target.topic not in RULES:  # lanes are sent to from outside as well
            verdict.problems.append(f"{target}: {unknown} records that no lane should have published")
        verdict.figures["outputs"] = verdict.figures.get("outputs", 0) + sum(map(len, wanted.values()))
        verdict.figures["outputs repeated"] = verdict.figures.get("outputs repeated", 0) + repeats

    def _judge(
        self,
        verdict: Verdict,
        lane: LaneId,
        target: LaneId,
        wanted: list[int],
        came: list[int],
        shared_missing: int,
    ) -> None:
        if wanted == came and not shared_missing:
            return
        missing = len(set(wanted) - set(came)) + shared_missing
        verdict.lost += missing
        first = next(
            (n for n, (one, other) in enumerate(zip(wanted, came, strict=False)) if one != other), len(came)
        )
        verdict.problems.append(
            f"{lane} -> {target}: {len(wanted)} outputs, {missing} missing, another order from number {first}"
        )
