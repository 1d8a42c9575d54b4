"""The report as tables for people: planted against found, money per currency, counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from app.demo.report import Category, Row

OK, DIFFERS = "[green]ok[/]", "[bold red]DIFFERS[/]"
NEVER: Sequence[float] = ()


def show_categories(
    console: Console, found: Sequence[Category], detection: Mapping[str, Sequence[float]]
) -> None:
    """`detection`: category -> [median, 99th percentile], ms from the log to the finding."""
    table = _table(
        "Planted against found", "mismatch", "planted", "found", "", "taken back", "median", "99 %"
    )
    for row in found:
        figures = (str(row.planted), str(row.found), _mark(row.agrees), str(row.resolved))
        median, most = detection.get(row.name, NEVER) or ("", "")
        table.add_row(row.name, *figures, _seconds(median), _seconds(most))
    console.print(table)
    console.print(
        "[dim]taken back: opened by itself and resolved by itself, when the other side came after all\n"
        "median, 99 %: from the log to the finding, mishaps included[/]\n",
        highlight=False,
    )
    for row in found:
        for what, names in (("missed", row.missed), ("not planted", row.extra)):
            if names:
                shown = f"{', '.join(names[:5])}{' …' if len(names) > 5 else ''}"
                console.print(f"{row.name} {what}: {shown}", style="red", highlight=False, soft_wrap=True)


def show_money(console: Console, rows: Sequence[Row]) -> None:
    """One line per figure, one column per currency; where the two differ, both stand there."""
    cells = {tuple(row.name.rsplit(", ", 1)): row for row in rows}
    currencies = sorted({currency for _, currency in cells})
    title = "Sent against the books: money in minor units"
    table = _table(title, "figure", *currencies, "")
    for figure in dict.fromkeys(figure for figure, _ in cells):
        own = [cells.get((figure, currency)) for currency in currencies]
        right = all(row is None or row.agrees for row in own)
        table.add_row(figure, *map(_amount, own), _mark(right))
    console.print(table)


def show_counts(console: Console, rows: Sequence[Row]) -> None:
    table = _table("Sent against the books: records", "figure", "sent", "books", "")
    for row in rows:
        table.add_row(row.name, row.expected, row.found, _mark(row.agrees))
    console.print(table)


def _table(title: str, first: str, *others: str) -> Table:
    """Narrow enough for 80 columns; a figure that is too long goes on in a second line, it is never cut."""
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1), pad_edge=False)
    table.add_column(first, no_wrap=True)
    for head in others:
        table.add_column(head, justify="right" if head else "left", overflow="fold")
    return table


def _amount(row: Row | None) -> str:
    if row is None:
        return ""
    if row.agrees:
        return f"{int(row.found):,}"
    return f"[bold red]{int(row.expected):,} sent\n{int(row.found):,} booked[/]"


def _seconds(milliseconds: float | str) -> str:
    return f"{milliseconds / 1000:,.2f} s" if isinstance(milliseconds, float) else ""


def _mark(agrees: bool) -> str:
    return OK if agrees else DIFFERS
