"""What the API answers. Amounts are integers in minor units of the `currency` beside them, times are UTC."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from app.domain.fields import Moment


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all answers: fields are always there, null where nothing is known."""


class PartitionStatus(Answer, frozen=True, kw_only=True):
    """One lane. `lag` is against Kafka's end offset and null while Kafka does not answer.

    `holes`: gaps in the delivery which the lane read itself; `conflicts`: positions or rows that had moved
    under a decision (both since the workers' start). `halted`: why it stands, null if it does not.
    `timers_overdue` is counted up to 1000.
    """

    topic: str
    partition: int
    position: int
    end_offset: int | None
    lag: int | None
    records_per_second: float | None
    holes: int
    conflicts: int
    halted: str | None
    halted_at: Moment | None
    updated_at: Moment
    worker_id: str | None
    outbox_rows: int
    outbox_age_seconds: float
    timers_overdue: int
    timer_age_seconds: float


class WorkerStatus(Answer, frozen=True, kw_only=True):
    """`alive`: it wrote its row within the last 10 seconds."""

    worker_id: str
    host: str
    pid: int
    alive: bool
    silent_seconds: float
    started_at: Moment
    seen_at: Moment
    rss_bytes: int
    lanes: list[str]


class KafkaStatus(Answer, frozen=True, kw_only=True):
    """`age_seconds`: since the end offsets were read; null: never yet."""

    reachable: bool
    age_seconds: float | None


class VerifyStatus(Answer, frozen=True, kw_only=True):
    """The last run of `verify`. `complete`: from offset 0, else what came since the run before."""

    ok: bool
    complete: bool
    started_at: Moment
    finished_at: Moment
    checks: Any


class Backlog(Answer, frozen=True, kw_only=True):
    """`oldest_age_seconds`: 0 when there is nothing."""

    rows: int
    oldest_age_seconds: float


class DeadLetters(Answer, frozen=True, kw_only=True):
    new: int
    redriven: int
    discarded: int


class CategoryCount(Answer, frozen=True, kw_only=True):
    category: str
    severity: str
    status: str
    count: int


class DetectionTimes(Answer, frozen=True, kw_only=True):
    """From the second side's append to the commit, in milliseconds; null where nothing was found."""

    count: int
    p50_ms: int | None
    p99_ms: int | None


class DetectionStatus(Answer, frozen=True, kw_only=True):
    """`since_start`: of every mismatch in the database."""

    opened_last_minute: int
    last_15_minutes: DetectionTimes
    since_start: DetectionTimes


class OpenCount(Answer, frozen=True, kw_only=True):
    """Mismatches in any open status."""

    category: str
    severity: str
    count: int


class LedgerCounts(Answer, frozen=True, kw_only=True):
    transactions: int
    entries: int
    payments: int


class KindBalance(Answer, frozen=True, kw_only=True):
    """All accounts of one kind summed, on the side on which the kind grows."""

    kind: str
    normal_side: str
    currency: str
    accounts: int
    balance: int


class EffectGroup(Answer, frozen=True):
    """What goes to one PSP or one merchant; `oldest_seconds`: since the oldest was asked for."""

    target: str
    status: Literal["ready", "waiting", "dead"]
    count: int
    oldest_seconds: float


class BreakerStatus(Answer, frozen=True):
    """A target that failed so often in a row that it is left alone for a while."""

    target: str
    state: Literal["open", "half_open"]
    worker_id: str


class PspStatus(Answer, frozen=True, kw_only=True):
    """Calls by their answers, since the living workers started."""

    psp: str
    answers: dict[str, int]
    mean_seconds: float | None
    failures_in_a_row: int
    last_failure_at: Moment | None
    last_failure: str | None


class EffectsStatus(Answer, frozen=True, kw_only=True):
    """What leaves the program: calls to PSPs, merchants' webhooks. `dead`: given up, for people to see."""

    ready: int
    waiting: int
    dead: int
    running: int
    oldest_open_seconds: float | None
    groups: list[EffectGroup]
    breakers: list[BreakerStatus]
    psps: list[PspStatus]


class Status(Answer, frozen=True, kw_only=True):
    """`as_of`: when lanes and workers were read; `counted_at`: when the oldest of the counts was."""

    as_of: Moment
    counted_at: Moment
    partitions: list[PartitionStatus]
    workers: list[WorkerStatus]
    kafka: KafkaStatus
    last_verify: VerifyStatus | None
    dead_letters: DeadLetters
    effects: EffectsStatus
    outbox: Backlog
    timers: Backlog
    mismatches: list[CategoryCount]
    open_mismatches: list[OpenCount]
    detection: DetectionStatus
    ledger: LedgerCounts
    balances: list[KindBalance]


class CurrencyBalance(Answer, frozen=True, kw_only=True):
    """`pending` is released later, `available` may be paid out, `held` is disputed."""

    currency: str
    pending: int
    available: int
    held: int


class MerchantBalance(Answer, frozen=True, kw_only=True):
    merchant_id: str
    balances: list[CurrencyBalance]


class LedgerEntry(Answer, frozen=True, kw_only=True):
    """`balance_after`: of this lane's share of the account, on the account's normal side."""

    seq: int
    account: str
    direction: str
    amount: int
    currency: str
    balance_after: int


class LedgerTransaction(Answer, frozen=True, kw_only=True):
    """A merchant's key sees the entries on the merchant's own accounts only."""

    id: str
    kind: str
    merchant_id: str | None
    payment_id: str | None
    occurred_at: Moment
    recorded_at: Moment
    source_topic: str
    source_partition: int
    source_offset: int
    reverses: str | None
    entries: list[LedgerEntry]


class LedgerPage(Answer, frozen=True, kw_only=True):
    """Newest first. `next_cursor` is null exactly when `has_more` is false."""

    items: list[LedgerTransaction]
    has_more: bool
    next_cursor: str | None


class Health(Answer, frozen=True, kw_only=True):
    status: str


class Readiness(Answer, frozen=True, kw_only=True):
    status: str
    checks: dict[str, str]


class Underway(Answer, frozen=True, kw_only=True):
    """A request that is stored and not decided yet. `id`: of what it makes or moves."""

    merchant_id: str
    id: str
    status: str = "executing"
