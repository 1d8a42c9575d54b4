"""Compares what was sent with what the books hold. Every row is one figure: expected, found, right or not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from app.demo.stream import COMMANDS, LINES, MATCHING, WEBHOOKS
from app.demo.truth import APPLIED, CATEGORIES, DEAD, DUPLICATE, EITHER, PARKED, REFUSED, Truth
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
    """Planted against found, each by its name; categories that were not planted must stay empty."""
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


def money(truth: Truth, before: Books, after: Books) -> list[Row]:
    """Minor units, one row per figure and currency, named `{figure}, {currency}`.

    `held`: for disputes; `owed`: to merchants; `in transit`: from PSPs; `bank fees`: of payouts.
    """
    owed = _balance(before, after, "m_pend", "m_avail")
    return [
        *_each("captured", truth.captured, _gain(before.captured, after.captured)),
        *_each("refunded", truth.refunded, _gain(before.refunded, after.refunded)),
        *_each("disputed", truth.disputed, _gain(before.disputed, after.disputed)),
        *_each("held", truth.held, _balance(before, after, "m_hold")),
        *_each("platform fees", truth.platform_fees, _balance(before, after, "plat_fee")),
        *_each("owed", truth.merchants_money, owed),
        *_each("in transit", truth.settled_net, _balance(before, after, "transit")),
        *_each("bank fees", truth.bank_fees, _balance(before, after, "payout_fee")),
    ]


def counts(truth: Truth, before: Books, after: Books) -> list[Row]:
    return [
        _equal("payments", truth.payments, after.payments - before.payments),
        *_each("payouts", truth.payouts, _gain(before.payouts, after.payouts)),
        _equal("settlement lines", truth.lines, after.lines - before.lines),
        *outcomes(truth, before, after),
    ]


def outcomes(truth: Truth, before: Books, after: Books) -> list[Row]:
    """Outcomes of what we sent to `payments.commands` ourselves, and that no record of ours is missing."""
    kept = _gain(before.kept, after.kept)
    commands = _gain(before.records.get(COMMANDS, {}), after.records.get(COMMANDS, {}))
    lines = _gain(before.records.get(LINES, {}), after.records.get(LINES, {}))
    matching = _gain(before.records.get(MATCHING, {}), after.records.get(MATCHING, {}))
    least, either = truth.outcomes[APPLIED], truth.outcomes[EITHER]
    applied = kept.get(APPLIED, 0)
    return [
        Row("applied", f"{least} to {least + either}", str(applied), least <= applied <= least + either),
        *(_equal(name, truth.outcomes[name], kept.get(name, 0)) for name in (REFUSED, PARKED)),
        _equal("dead letters", truth.outcomes[DEAD], commands.get(DEAD, 0)),
        _equal("dead letters in matching", 0, matching.get(DEAD, 0)),
        _at_least("duplicates", truth.outcomes[DUPLICATE], commands.get(DUPLICATE, 0)),
        _at_least("commands, lanes' too", truth.sent[COMMANDS], commands.get("records", 0)),
        _at_least("lines and trailers at the door", truth.sent[LINES], lines.get("records", 0)),
    ]


def webhooks(truth: Truth, before: Books, after: Books, refused: int) -> list[Row]:
    """What the ingress stored and what it sent away; a delivery whose answer got lost may be stored twice."""
    stored = _gain(before.records.get(WEBHOOKS, {}), after.records.get(WEBHOOKS, {}))
    again = stored.get("records", 0) - truth.webhooks
    dead = stored.get(DEAD, 0)
    none_else = 0 <= dead - truth.unreadable <= max(again, 0)
    return [
        _at_least("webhooks stored", truth.webhooks, stored.get("records", 0)),
        _equal("forged webhooks sent away", truth.forged, refused),
        Row("unreadable webhooks", str(truth.unreadable), str(dead), none_else),
    ]


def certain_outcomes(truth: Truth, found: Mapping[tuple[str, str], str]) -> list[Row]:
    """Exactly those requests are refused and those facts parked that had to be."""
    return [
        _equal(
            f"{outcome}, each by its id",
            len(wanted),
            sum(found.get(identity) == outcome for identity in wanted),
        )
        for outcome, wanted in ((REFUSED, truth.refused), (PARKED, truth.parked))
    ]


def _equal(name: str, expected: int, found: int) -> Row:
    return Row(name, str(expected), str(found), expected == found)


def _at_least(name: str, expected: int, found: int) -> Row:
    """A send that was made again after a failure may have left a record twice."""
    return Row(name, f">= {expected}", str(found), found >= expected)


def _each(name: str, expected: Mapping[str, int], found: Mapping[str, int]) -> list[Row]:
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
