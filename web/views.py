"""What the live page says, worked out from the status: words, totals and colours, but no mark-up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Final

from app.domain.mismatch import OPEN_STATUSES
from app.store.web_figures import MismatchRow
from web.money import format_count
from web.schemas import KindBalance, PartitionStatus, Status

KIND_NAMES: Final = {
    "m_pend": "Merchants, pending",
    "m_avail": "Merchants, available",
    "m_hold": "Merchants, held",
    "psp_recv": "Due from PSPs",
    "opening": "Opening balances",
    "transit": "In transit to the bank",
    "bank": "Bank",
    "reserve": "Reserves at PSPs",
    "disp_recv": "Disputes, receivable",
    "fxpos": "FX position",
    "suspense": "Suspense",
    "split_transit": "Splits in transit",
    "payout_transit": "Payouts on the way",
    "unapplied": "Unapplied",
    "plat_fee": "Platform fees",
    "fee_recovery": "Fees passed on",
    "psp_fee": "PSP fees",
    "psp_tax": "Tax withheld by PSPs",
    "disp_fee": "Dispute fees",
    "payout_fee": "Payout fees",
    "disp_loss": "Dispute losses",
    "write_off": "Write-offs",
    "fee_variance": "Fee variance",
    "fx_gl": "FX gains and losses",
}

DETECTION_LABEL: Final = "Time to detect, p99"
GONE_SECONDS: Final = 24 * 3600.0
"""A worker that never said goodbye stays listed, but after a day it asks for nobody's attention."""

LANE_NAMES: Final = {
    "payments.commands": "Payments",
    "matching.commands": "Matching",
    "settlements.lines": "Settlement lines",
    "banking.commands": "Banking",
    "bank.lines": "Bank lines",
    "psp.webhooks": "Webhooks",
}


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure of the top row. `tone`: good, bad, warn or plain; `unit` follows the figure."""

    label: str
    figure: str | int
    note: str
    tone: str = "plain"
    since: datetime | None = None
    """Shown as an age before the note."""


@dataclass(frozen=True, slots=True)
class TrialBalance:
    """One currency's books: debit and credit balances must be equal. Minor units."""

    currency: str
    rows: list[KindBalance]
    debit: int
    credit: int

    @property
    def difference(self) -> int:
        return self.debit - self.credit


@dataclass(frozen=True, slots=True)
class LaneGroup:
    """All partitions of one topic."""

    topic: str
    name: str
    partitions: list[PartitionStatus]

    @property
    def lag(self) -> int | None:
        return total(partition.lag for partition in self.partitions)

    @property
    def rate(self) -> float | None:
        return total_rate(self.partitions)


def total(values: Iterable[int | None]) -> int | None:
    """The sum; None as soon as one part is unknown."""
    known = list(values)
    return None if None in known else sum(value for value in known if value is not None)


def total_rate(partitions: Sequence[PartitionStatus]) -> float | None:
    rates = [part.records_per_second for part in partitions if part.records_per_second is not None]
    return sum(rates) if rates else None


def lane_state(partition: PartitionStatus) -> tuple[str, str]:
    """(word, tone) for one partition."""
    if partition.halted is not None:
        return "Halted", "bad"
    if partition.lag and partition.worker_id is None:
        return "No worker", "bad"
    if partition.lag:
        return "Running", "good"
    return ("Idle", "plain") if partition.worker_id else ("Unowned", "warn")


def lane_groups(status: Status) -> list[LaneGroup]:
    """Topics in the order a payment meets them, then any others."""
    ordered = sorted(status.partitions, key=lambda part: (_rank(part.topic), part.topic, part.partition))
    return [
        LaneGroup(topic, LANE_NAMES.get(topic, topic), list(parts))
        for topic, parts in groupby(ordered, key=lambda part: part.topic)
    ]


def _rank(topic: str) -> int:
    names = list(LANE_NAMES)
    return names.index(topic) if topic in names else len(names)


def trial_balances(status: Status) -> list[TrialBalance]:
    by_currency = sorted(status.balances, key=lambda row: (row.currency, _kind_rank(row.kind)))
    return [
        _trial_balance(currency, list(rows))
        for currency, rows in groupby(by_currency, key=lambda row: row.currency)
    ]


def _kind_rank(kind: str) -> int:
    """Kinds in the order of KIND_NAMES; one that has no name yet comes last."""
    names = list(KIND_NAMES)
    return names.index(kind) if kind in names else len(names)


def _trial_balance(currency: str, rows: list[KindBalance]) -> TrialBalance:
    sums = {"debit": 0, "credit": 0}
    for row in rows:
        sums[row.normal_side] += row.balance
    return TrialBalance(currency, rows, sums["debit"], sums["credit"])


def tiles(status: Status) -> list[Tile]:
    return [
        _mismatch_tile(status),
        _detection_tile(status),
        _books_tile(status),
        _verify_tile(status),
        _lag_tile(status),
        _attention_tile(status),
    ]


def _mismatch_tile(status: Status) -> Tile:
    still_open = [count for count in status.mismatches if count.status in OPEN_STATUSES]
    urgent = {"CRITICAL": 0, "HIGH": 0}
    for count in still_open:
        if count.severity in urgent:
            urgent[count.severity] += count.count
    number = sum(count.count for count in still_open)
    words = [f"{found} {severity.lower()}" for severity, found in urgent.items() if found]
    note = ", ".join(words) or ("none critical or high" if number else "every pair agrees")
    return Tile(
        "Open mismatches", number, note, "bad" if urgent["CRITICAL"] else "warn" if number else "good"
    )


def _detection_tile(status: Status) -> Tile:
    """How quickly mismatches are found now; where there were none lately, how quickly they ever were."""
    lately, ever = status.detection.last_15_minutes, status.detection.since_start
    times, period = (lately, "over 15 min") if lately.count else (ever, "since the start")
    opened = f"{format_count(status.detection.opened_last_minute)} opened in the last minute"
    if times.p50_ms is None or times.p99_ms is None:
        return Tile(DETECTION_LABEL, "–", opened)
    note = f"p50 {times.p50_ms / 1000:.2f} s {period}; {opened}"
    return Tile(
        DETECTION_LABEL, f"{times.p99_ms / 1000:.2f} s", note, "good" if times.p99_ms <= 1000 else "plain"
    )


def _books_tile(status: Status) -> Tile:
    wrong = [books.currency for books in trial_balances(status) if books.difference]
    ledger = status.ledger
    counts = f"{format_count(ledger.transactions)} transactions, {format_count(ledger.payments)} payments"
    if wrong:
        return Tile("Books", "Out of balance", f"in {', '.join(wrong)}", "bad")
    return Tile("Books", "Balanced", counts, "good")


def _verify_tile(status: Status) -> Tile:
    run = status.last_verify
    if run is None:
        return Tile("Last verify", "Never run", "python -m app verify", "warn")
    scope = "from the beginning" if run.complete else "since the run before"
    return Tile(
        "Last verify", "Proven" if run.ok else "Failed", scope, "good" if run.ok else "bad", run.finished_at
    )


def _lag_tile(status: Status) -> Tile:
    lag = total(partition.lag for partition in status.partitions)
    rate = total_rate(status.partitions)
    note = "lag unknown: Kafka does not answer" if lag is None else f"{format_count(lag)} waiting"
    tone = "warn" if lag is None and status.partitions else "plain"
    return Tile("Records per second", "–" if rate is None else round(rate), note, tone)


def _attention_tile(status: Status) -> Tile:
    """Everything that needs an operator, counted once."""
    halted = sum(partition.halted is not None for partition in status.partitions)
    silent = sum(not worker.alive and worker.silent_seconds < GONE_SECONDS for worker in status.workers)
    kinds = [
        (halted, "halted partition"),
        (status.dead_letters.new, "dead letter"),
        (status.effects.dead, "effect given up"),
        (silent, "silent worker"),
    ]
    words = [f"{count} {word}{'s' if count > 1 else ''}" for count, word in kinds if count]
    tone = "bad" if halted else "warn" if words else "good"
    return Tile("Needs an operator", sum(count for count, _ in kinds), ", ".join(words) or "nothing", tone)


def difference_of(row: MismatchRow) -> int | None:
    if row.expected_amount is None or row.actual_amount is None:
        return None
    return row.actual_amount - row.expected_amount


def words_of(code: str) -> str:
    """AMOUNT_UNDER -> `Amount under`."""
    return code.replace("_", " ").capitalize().replace("Fx ", "FX ")
