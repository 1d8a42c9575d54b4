"""Compares what was sent with what the books hold. Every row is one figure: expected, found, right or not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from app.demo.stream import COMMANDS, LINES
from app.demo.truth import CATEGORIES, Truth
from app.store.books import Books


class Row(NamedTuple):
    """`agrees` is not always equality: a record that came twice may count as two duplicates."""

    name: str
    expected: str
    found: str
    agrees: bool


class Category(NamedTuple):
    """A mismatch category: how many were planted and found; the names that only one side has.

    `resolved`: opened because a record came late (a worker was down), and taken back when it came.
    """

    name: str
    planted: int
    found: int
    missed: tuple[str, ...]
    extra: tuple[str, ...]
    resolved: int

    @property
    def agrees(self) -> bool:
        return not (self.missed or self.extra)


def categories(truth: Truth, before: Books, after: Books) -> list[Category]:
    """Planted against found, by `{psp}:{object id}`; categories that were not planted must stay empty."""
    found: dict[str, set[str]] = {}
    for category, name in after.open - before.open:
        found.setdefault(category, set()).add(name)
    rows = []
    for category in (*CATEGORIES, *sorted(set(found) - set(CATEGORIES))):
        planted, seen = truth.mismatches.get(category, set()), found.get(category, set())
        missed, extra = tuple(sorted(planted - seen)), tuple(sorted(seen - planted))
        resolved = after.resolved.get(category, 0) - before.resolved.get(category, 0)
        rows.append(Category(category, len(planted), len(seen), missed, extra, resolved))
    return rows


def rows(truth: Truth, before: Books, after: Books) -> list[Row]:
    """Sent against booked, for what came between two snapshots of the books."""
    found = [
        _equal("payments", truth.payments, after.payments - before.payments),
        *_per_currency("captured", truth.captured, _gain(before.captured, after.captured)),
        *_per_currency("refunded", truth.refunded, _gain(before.refunded, after.refunded)),
        *_per_currency("platform fees", truth.platform_fees, _balance(before, after, "plat_fee")),
        *_per_currency(
            "owed to merchants", truth.merchants_money, _balance(before, after, "m_pend", "m_avail")
        ),
        *_per_currency("in transit from PSPs", truth.settled_net, _balance(before, after, "transit")),
        *_per_currency("bank fees of payouts", truth.bank_fees, _balance(before, after, "payout_fee")),
        *_per_currency("payouts", truth.payouts, _gain(before.payouts, after.payouts)),
        _equal("settlement lines", truth.lines, after.lines - before.lines),
    ]
    return found + outcomes(truth, before, after)


def outcomes(truth: Truth, before: Books, after: Books) -> list[Row]:
    """Outcomes of what was sent to `payments.commands`, and that no record of either topic is missing."""
    kept = _gain(before.kept, after.kept)
    commands = _gain(before.records.get(COMMANDS, {}), after.records.get(COMMANDS, {}))
    lines = _gain(before.records.get(LINES, {}), after.records.get(LINES, {}))
    again = commands.get("records", 0) - truth.sent[COMMANDS] - (after.fired - before.fired)
    duplicates = commands.get("duplicate", 0)
    expected = truth.outcomes["duplicate"]
    return [
        *(_equal(name, truth.outcomes[name], kept.get(name, 0)) for name in ("applied", "refused", "parked")),
        _equal("dead letters", truth.outcomes["dead_letter"], commands.get("dead_letter", 0)),
        Row("duplicates", str(expected), str(duplicates), 0 <= duplicates - expected <= max(again, 0)),
        Row(
            "records, with timers sent again",
            f">= {truth.sent[COMMANDS]}",
            str(commands.get("records", 0)),
            again >= 0,
        ),
        _at_least("lines and trailers at the door", truth.sent[LINES], lines.get("records", 0)),
    ]


def certain_outcomes(truth: Truth, found: Mapping[tuple[str, str], str]) -> list[Row]:
    """Exactly those requests are refused and those facts parked that had to be."""
    return [
        _equal(
            f"{outcome}, each by its id",
            len(wanted),
            sum(found.get(identity) == outcome for identity in wanted),
        )
        for outcome, wanted in (("refused", truth.refused), ("parked", truth.parked))
    ]


def show(console: Console, found: list[Category], figures: list[Row]) -> None:
    """Both tables; what does not agree is marked and, for mismatches, named."""
    heads = ("mismatch", "planted", "found", "", "opened early, resolved itself")
    planted = Table(*heads, title="Planted against found", title_justify="left")
    for row in found:
        planted.add_row(row.name, str(row.planted), str(row.found), _mark(row.agrees), str(row.resolved))
    console.print(planted)
    for row in found:
        for what, names in (("missed", row.missed), ("not planted", row.extra)):
            if names:
                console.print(f"{row.name} {what}: {', '.join(names[:5])}{' …' if len(names) > 5 else ''}")
    books = Table("figure", "sent", "books", "", title="Sent against the books", title_justify="left")
    for figure in figures:
        books.add_row(figure.name, figure.expected, figure.found, _mark(figure.agrees))
    console.print(books)


def show_detection(console: Console, found: Mapping[str, Sequence[float]]) -> None:
    """Time to detect, mishaps included. `found`: category -> [median, 99th percentile] in ms."""
    table = Table("mismatch", "median", "99 %", title="From the log to the finding", title_justify="left")
    for name, (median, most) in sorted(found.items()):
        table.add_row(name, f"{median:,.0f} ms", f"{most:,.0f} ms")
    console.print(table)


def _mark(agrees: bool) -> str:
    return "[green]ok[/]" if agrees else "[bold red]DIFFERS[/]"


def _equal(name: str, expected: int, found: int) -> Row:
    return Row(name, str(expected), str(found), expected == found)


def _at_least(name: str, expected: int, found: int) -> Row:
    """A send that was made again after a failure may have left a record twice."""
    return Row(name, str(expected), str(found), found >= expected)


def _per_currency(name: str, expected: Mapping[str, int], found: Mapping[str, int]) -> list[Row]:
    names = sorted(key for key in {*expected, *found} if expected.get(key) or found.get(key))
    return [_equal(f"{name}, {key}", expected.get(key, 0), found.get(key, 0)) for key in names]


def _gain(before: Mapping[str, int], after: Mapping[str, int]) -> dict[str, int]:
    return {name: after.get(name, 0) - before.get(name, 0) for name in {*before, *after}}


def _balance(before: Books, after: Books, *prefixes: str) -> dict[str, int]:
    total: dict[str, int] = {}
    for prefix in prefixes:
        for currency, amount in _gain(
            before.balances.get(prefix, {}), after.balances.get(prefix, {})
        ).items():
            total[currency] = total.get(currency, 0) + amount
    return total
