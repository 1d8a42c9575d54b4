"""What `reconcile` prints: a report's tables, and what other rules change."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from app.domain.mismatch import Mismatch
from app.domain.money import EXPONENTS
from app.domain.run_scope import RunReport
from app.run_tables import Amount, tables_of
from app.what_if import Difference, Outcome

MOST_ROWS: Final = 30


def print_report(console: Console, report: RunReport) -> None:
    console.print(
        f"As of {report.as_of}, snapshot of {report.snapshot_at:%Y-%m-%d %H:%M:%S} UTC: "
        f"{report.matched_count:,} matched, {report.open_count:,} mismatches open",
        highlight=False,
        soft_wrap=True,
    )
    for table in tables_of(report):
        if table.rows:
            console.print(_table(table.name, table.columns, table.rows))


def print_difference(
    console: Console, facts: int, before: Outcome, after: Outcome, found: Difference
) -> None:
    console.print(f"{facts:,} facts decided twice; nothing was written", highlight=False)
    rules = sorted(before.matched.keys() | after.matched.keys())
    console.print(
        _table(
            "Matched", ("rule", "in force", "other rules", "difference"),
            [_compared(rule, before.matched[rule], after.matched[rule]) for rule in rules],
        )
    )  # fmt: skip
    one, other = (Counter(m.category for m in outcome.open.values()) for outcome in (before, after))
    console.print(
        _table(
            "Open", ("category", "in force", "other rules", "difference"),
            [_compared(name, one[name], other[name]) for name in sorted({*one, *other})],
        )
    )  # fmt: skip
    for name, mismatches in (("No longer open", found.gone), ("Newly open", found.come)):
        if mismatches:
            columns = ("mismatch", "category", "severity", "payment", "expected", "actual", "currency")
            console.print(_table(name, columns, [_row(one) for one in mismatches]))
    if found.moved:
        console.print(f"{len(found.moved):,} are open by both, with other figures", highlight=False)


def _compared(name: str, before: int, after: int) -> tuple[Any, ...]:
    return (name, before, after, f"{after - before:+,}")


def _row(one: Mismatch) -> tuple[Any, ...]:
    return (
        one.id, one.category, one.severity, one.payment_id, Amount(one.expected_amount, one.currency),
        Amount(one.actual_amount, one.currency), one.currency,
    )  # fmt: skip


def _table(name: str, columns: tuple[str, ...], rows: list[tuple[Any, ...]]) -> Table:
    more = len(rows) - MOST_ROWS
    table = Table(title=name, title_justify="left", caption=f"and {more:,} more" if more > 0 else None)
    for place, column in enumerate(columns):
        numbers = any(isinstance(row[place], int | Amount) for row in rows)
        table.add_column(column, justify="right" if numbers else "left", overflow="fold")
    for row in rows[:MOST_ROWS]:
        table.add_row(*(_cell(cell) for cell in row))
    return table


def _cell(cell: Any) -> str:
    if isinstance(cell, Amount):
        if cell.minor is None:
            return "–"
        digits = EXPONENTS.get(cell.currency or "", 0)
        whole, rest = divmod(abs(cell.minor), 10**digits)
        text = f"{whole:,}" + (f".{rest:0{digits}d}" if digits else "")
        return f"-{text}" if cell.minor < 0 else text
    return "" if cell is None else f"{cell:,}" if isinstance(cell, int) else str(cell)
