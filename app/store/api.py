"""What the lane needs of a store: PostgreSQL (`app/store/postgres.py`), in the simulator memory.

One behaviour suite (`tests/store/`) runs against both, so that the simulator's store cannot drift.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol

import msgspec

from app.domain.decision import Transaction
from app.domain.state import Ref


class LaneId(NamedTuple):
    """A lane: one partition of one topic."""

    topic: str
    partition: int

    def __str__(self) -> str:
        return f"{self.topic}:{self.partition}"


class Position(NamedTuple):
    """`next_offset`: the first offset not committed. `halted`: why the partition is stopped, or None."""

    next_offset: int
    halted: str | None


class Versioned(NamedTuple):
    """A row's value and the source offset of its last change."""

    value: Any
    version: int


class KeyRow(NamedTuple):
    """One row of `record_keys`: a record that was neither duplicate, forwarded nor dead letter."""

    offset: int
    key: str
    id: str
    content_hash: bytes
    outcome: str
    reason: str | None = None
    """Of a refused record: `code: detail`."""


class DeadLetterRow(NamedTuple):
    """A record that could not be decided, byte for byte; `key` is its Kafka key, for a redrive."""

    offset: int
    reason: str
    payload: bytes
    key: bytes | None = None


class Change(NamedTuple):
    """A row to write. `seen`: the version the decision was made on (None: there was no row; BLIND: any)."""

    value: Any
    version: int
    seen: int | None


BLIND = -1
"""`Change.seen` of kinds that may be written without having been read (timers)."""


class Commit(msgspec.Struct, kw_only=True):
    """One batch's whole effect: written in one transaction that begins with the position's compare-and-swap.

    `counts` maps outcome name -> number of records; their sum is `batches.records`.
    `reads`: rows that decisions relied on without changing them: ref -> (value, version) or None for no row;
    only those taken from a Faust table are here, since only they can be outdated.
    `outbox`: encoded records to publish after the commit (`app/lane/outbox.py`), empty for none.
    """

    lane: LaneId
    first: int
    next: int
    counts: Mapping[str, int]
    keys: Sequence[KeyRow] = ()
    dead_letters: Sequence[DeadLetterRow] = ()
    state: Mapping[Ref, Change] = {}
    reads: Mapping[Ref, Versioned | None] = {}
    transactions: Sequence[Transaction] = ()
    outbox: bytes = b""
    append_ms: Mapping[str, int] = {}
    """Mismatch id -> append time (epoch ms) of the record that completed it, for `detected_after_ms`."""


class OutboxRow(NamedTuple):
    lane: LaneId
    first_offset: int
    payload: bytes
    age_seconds: float


class DueTimer(NamedTuple):
    lane: LaneId
    key: str
    kind: str
    subject: str
    due_at_ms: int
    record: bytes


class Store(Protocol):
    """Raises Transient for anything a retry may cure; never hides a failure."""

    async def position(self, lane: LaneId) -> Position: ...

    async def positions(self, lanes: Collection[LaneId]) -> dict[LaneId, Position]: ...

    async def load(self, lane: LaneId, refs: Collection[Ref]) -> dict[Ref, Versioned]:
        """Rows that exist among `refs` (of any kinds), in as few round trips as possible."""
        ...

    async def known_ids(self, lane: LaneId, ids: Collection[tuple[str, str]]) -> dict[tuple[str, str], bytes]:
        """(record key, id) -> content hash for those already in `record_keys` of this lane's topic."""
        ...

    async def commit(self, commit: Commit) -> None:
        """All or nothing, one call. Raises Moved, Stale, BadData, FailStop (broken guard) or Transient."""
        ...

    async def outbox(self, lanes: Collection[LaneId]) -> list[OutboxRow]:
        """Unpublished rows, ordered by lane and offset."""
        ...

    async def outbox_ages(self, lanes: Collection[LaneId]) -> dict[LaneId, float]:
        """Age in seconds of the oldest unpublished row per lane; without the payloads, for the watchdog."""
        ...

    async def adopt(self, lane: LaneId, worker_id: str, seconds: float) -> bool:
        """Take or renew the lease on a lane that its owner leaves standing: one UPDATE of the positions row.

        True if this worker holds it now. A lease only avoids work done twice.
        """
        ...

    async def outbox_done(self, lane: LaneId, first_offsets: Collection[int]) -> None: ...

    async def take_due_timers(
        self, lanes: Collection[LaneId], now: datetime, limit: int, refire_after_seconds: float
    ) -> list[DueTimer]:
        """Timers due at `now` that were not fired in the last `refire_after_seconds`; marks them as fired."""
        ...

    async def strike(self, lane: LaneId, offset: int, reason: str) -> int:
        """Count a fail-stop at this offset, in a transaction of its own; returns how many there were.

        The third halts the partition.
        """
        ...

    async def halt(self, lane: LaneId, reason: str) -> None: ...
