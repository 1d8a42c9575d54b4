"""How long a difference took to be found, seen from the database and from the logs."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import msgspec

from app.domain.streams import RECONCILIATION_MISMATCHES, SETTLEMENTS_LINES
from bench.pairs import Truth
from bench.servers import RESULTS, Emptied

READ_RECORDS: Final = 20_000
FAR: Final = datetime(9999, 1, 1, tzinfo=UTC)


class Times(NamedTuple):
    """Milliseconds of `number` differences."""

    number: int
    p50: float
    p90: float
    p99: float
    most: float

    def __str__(self) -> str:
        return f"{self.p50:.0f}/{self.p90:.0f}/{self.p99:.0f}/{self.most:.0f}" if self.number else "-"


class _Line(msgspec.Struct):
    line_id: str


class _Opened(msgspec.Struct):
    type: str
    mismatch_id: str


class _Difference(msgspec.Struct):
    id: str


def times(milliseconds: Collection[float]) -> Times:
    """Nearest-rank percentiles; zeros where there is nothing."""
    ordered = sorted(milliseconds)
    if not ordered:
        return Times(0, 0.0, 0.0, 0.0, 0.0)
    middle, high, highest = (ordered[math.ceil(len(ordered) * part) - 1] for part in (0.5, 0.9, 0.99))
    return Times(len(ordered), middle, high, highest, ordered[-1])


async def committed(run: Emptied, source: str, since: datetime, upto: datetime = FAR) -> Times:
    """Second side's append -> commit, as the program keeps it, of a source's lines."""
    rows = await run.pool.fetch(KEPT, f"{source}-%", since, upto)
    return times([row["detected_after_ms"] for row in rows])


async def published(run: Emptied, truth: Truth) -> Times:
    """Append of the line -> append of the mismatch that it brought to light."""
    decode = msgspec.json.Decoder(_Opened).decode

    def opened(value: bytes) -> str | None:
        event = decode(value)
        return event.mismatch_id if event.type == "mismatch.opened" else None

    at = await _first_appends(run, RECONCILIATION_MISMATCHES, opened)
    names = {row["id"]: (row["category"], row["owner_key"]) for row in await run.pool.fetch(NAMES)}
    return await _since_lines(run, truth, {names[key]: when for key, when in at.items() if key in names})


async def published_by_peer(run: Emptied, truth: Truth, others: Collection[tuple[str, str]]) -> Times | None:
    """The same for `bench.pair_loop`. None: it did not find exactly what was planted, `others` included."""
    decode = msgspec.json.Decoder(_Difference).decode
    at = await _first_appends(run, RESULTS, lambda value: decode(value).id)
    found = {(name.split(" ", 1)[0], name.split(" ", 1)[1]): when for name, when in at.items()}
    right = found.keys() == {*truth.planted, *others}
    return await _since_lines(run, truth, found) if right else None


async def _since_lines(run: Emptied, truth: Truth, found: Mapping[tuple[str, str], int]) -> Times:
    decode, wanted = msgspec.json.Decoder(_Line).decode, set(truth.planted.values())

    def planted(value: bytes) -> str | None:
        line = decode(value).line_id
        return line if line in wanted else None

    lines = await _first_appends(run, SETTLEMENTS_LINES, planted)
    return times([when - lines[truth.planted[key]] for key, when in found.items() if key in truth.planted])


async def _first_appends(run: Emptied, topic: str, name: Any) -> dict[str, int]:
    """Name of a record -> append time, epoch ms, of the first that has it; name None: left out."""
    found: dict[str, int] = {}
    for partition, end in enumerate(await run.partition_ends(topic)):
        position = 0
        while position < end:
            records, position = await run.reader.read(topic, partition, position, end, READ_RECORDS)
            for record in records:
                if (key := name(record.value)) is not None:
                    found[key] = min(found.get(key, record.timestamp), record.timestamp)
    return found


KEPT: Final = """
SELECT detected_after_ms FROM mismatches
 WHERE batch_id LIKE $1 AND detected_at >= $2 AND detected_at <= $3 AND detected_after_ms IS NOT NULL"""
NAMES: Final = "SELECT id, category, owner_key FROM mismatches"
