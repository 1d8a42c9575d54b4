"""What a schedule looks like as a whole, drawn from its seed: partitions, workers, sizes and pauses."""

from __future__ import annotations

from random import Random
from typing import Final

import msgspec

from app.domain.state import Kind
from app.domain.streams import (
    ALERTS_COMMANDS,
    BANK_LINES,
    BANKING_COMMANDS,
    EFFECTS_REQUESTS,
    LEDGER_TRANSACTIONS,
    MATCHING_COMMANDS,
    PAYMENTS_COMMANDS,
    PAYMENTS_EVENTS,
    PSP_WEBHOOKS,
    RECONCILIATION_COMMANDS,
    RECONCILIATION_MISMATCHES,
    SETTLEMENTS_LINES,
)

CACHED: Final[tuple[tuple[Kind, ...], ...]] = (
    ("account",),
    ("account", "payment", "merchant"),
    ("account", "item", "claim", "platform"),
    (),
)
HOUR: Final = 3600.0
DAY: Final = 24 * HOUR


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """Pauses in seconds of simulated time. `horizon_seconds`: how far the clock jumps once all is quiet."""

    partitions: dict[str, int]
    workers: int
    batch_max_records: int
    chunk: int
    cached_kinds: tuple[Kind, ...]
    dedup_table: bool
    tick_ms: int
    gap_chance: float
    watchdog_seconds: float
    tail_seconds: float
    adopt_seconds: float
    outbox_age_seconds: float
    pump_seconds: float
    timer_limit: int
    clock_ahead_ms: int
    """How far the pumps' clock runs ahead of the broker's."""
    framework_delivers_at_the_end: bool
    orderly: bool
    """Facts only, so that their order decides nothing; all timers fire at the end (`order.py`)."""
    horizon_seconds: float


def draw_shape(rng: Random) -> Shape:
    payments = rng.choice((1, 2, 2, 3))
    return Shape(
        partitions={
            PAYMENTS_COMMANDS: payments,
            MATCHING_COMMANDS: rng.choice((1, 2)),
            SETTLEMENTS_LINES: 1,
            BANKING_COMMANDS: rng.choice((1, 2)),
            BANK_LINES: 1,
            PSP_WEBHOOKS: 1,
            EFFECTS_REQUESTS: 1,
            ALERTS_COMMANDS: 1,
            RECONCILIATION_COMMANDS: 1,
            PAYMENTS_EVENTS: 2,
            LEDGER_TRANSACTIONS: 1,
            RECONCILIATION_MISMATCHES: 1,
        },
        workers=rng.choice((2, 2, 3)),
        batch_max_records=rng.choice((7, 40, 2000)),
        chunk=rng.choice((15, 40, 100)),
        cached_kinds=rng.choice(CACHED),
        dedup_table=rng.random() < 0.6,
        tick_ms=rng.choice((4, 10, 20)),
        gap_chance=rng.choice((0.0, 0.02, 0.1)),
        watchdog_seconds=rng.choice((0.5, 1.0)),
        tail_seconds=rng.choice((0.5, 2.0)),
        adopt_seconds=rng.choice((0.0, 0.6, 3.0)),
        outbox_age_seconds=rng.choice((0.5, 3.0)),
        pump_seconds=rng.choice((0.4, 1.0)),
        timer_limit=rng.choice((3, 2000)),
        clock_ahead_ms=rng.choice((0, 0, 50, 2_000)),
        framework_delivers_at_the_end=rng.random() < 0.7,
        orderly=rng.random() < 0.35,
        horizon_seconds=rng.choice((0.0, HOUR, 4 * DAY, 10 * DAY)),
    )
