"""A run's report as tables, for CSV, workbooks and the command line. Amounts stay minor units here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from app.domain.run_scope import RunReport


class Amount(NamedTuple):
    """A cell with money: minor units of `currency`; None: nothing is known."""

    minor: int | None
    currency: str | None


class Table(NamedTuple):
    """`rows` have a cell per column: text, number, date, or Amount."""

    name: str
    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]


def tables_of(report: RunReport) -> Iterator[Table]:
    yield Table(
        "Sums",
        ("side", "currency", "count", "amount", "matched count", "matched amount", "open amount"),
        [
            (
                one.side, one.currency, one.count, Amount(one.amount, one.currency), one.matched_count,
                Amount(one.matched_amount, one.currency),
                Amount(one.amount - one.matched_amount, one.currency),
            )
            for one in report.sides
        ],
    )  # fmt: skip
    yield Table(
        "Matched",
        ("leg", "rule", "currency", "count", "amount"),
        [
            (one.leg, one.rule, one.currency, one.count, Amount(one.amount, one.currency))
            for one in report.matched
        ],
    )
    yield Table(
        "Open",
        ("category", "severity", "age in business days", "currency", "count", "at stake"),
        [
            (one.category, one.severity, one.age, one.currency, one.count, Amount(one.at_stake, one.currency))
            for one in report.open
        ],
    )
    yield Table(
        "Largest open",
        ("mismatch", "category", "severity", "status", "age", "fact on", "merchant", "payment", "batch",
         "currency", "expected", "actual"),
        [
            (
                one.id, one.category, one.severity, one.status, one.age, one.fact_on, one.merchant_id,
                one.payment_id, one.batch_id, one.currency, Amount(one.expected_amount, one.currency),
                Amount(one.actual_amount, one.currency),
            )
            for one in report.largest
        ],
    )  # fmt: skip
    changes = report.changes
    if changes.since_run_id is None:
        yield Table("Changed", ("change", "count", "mismatches"), [])
        return
    yield Table(
        "Changed",
        ("change", "count", "mismatches"),
        [
            ("opened", changes.opened, " ".join(changes.opened_ids)),
            ("resolved", changes.resolved, " ".join(changes.resolved_ids)),
            ("more pairs than then", changes.matched_count, None),
        ],
    )
