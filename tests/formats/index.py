"""The bank rows of `../shared/fixtures/INDEX.md`: what a right parse of each file gives, told by others."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from tests.support.fixtures import SHARED_FIXTURES

FOLDERS = {
    "camt": "camt",
    "camt_daily_run": "camt",
    "mt940": "mt940",
    "bai2": "bai2",
    "ofx": "ofx",
    "csv": "csv",
}
ROW = re.compile(r"^\| bank/(?P<folder>\w+)/(?P<name>[^ ]+) \|[^|]*\|[^|]*\| (?P<said>.*) \|$")


class Expected(NamedTuple):
    """One row. `said` is INDEX.md's own sentence."""

    path: Path
    form: str
    said: str


class Figures(NamedTuple):
    """Entries of a whole file, whatever their status: how many, and what they add up to.

    `net` is signed; BAI2's rows of INDEX.md have no sign, so there it is the sum of unsigned amounts.
    """

    entries: int
    net: Decimal


def expected() -> list[Expected]:
    """Every bank file; nothing where the folder is absent."""
    index = SHARED_FIXTURES / "INDEX.md"
    if not index.exists():
        return []
    rows = (ROW.match(line) for line in index.read_text(encoding="utf-8").splitlines())
    return [
        Expected(SHARED_FIXTURES / "bank" / row["folder"] / row["name"], FOLDERS[row["folder"]], row["said"])
        for row in rows
        if row is not None
    ]


def figures(one: Expected) -> Figures:
    """What INDEX.md says of a file that is not CSV."""
    return {"camt": _camt, "mt940": _mt940, "bai2": _bai2, "ofx": _ofx}[one.form](one.said)


def _camt(said: str) -> Figures:
    entries = sum(
        int(found)
        for found in re.findall(r"entries (\d+) |: (\d+) entries ", said)
        for found in found
        if found
    )
    credits, debits = _amounts(said, r"cr ([\d.]+)"), _amounts(said, r"db ([\d.]+)")
    return Figures(entries, sum(credits, Decimal(0)) - sum(debits, Decimal(0)))


def _mt940(said: str) -> Figures:
    (entries,), (net,) = re.findall(r":61: (\d+)", said), re.findall(r"signed sum (-?[\d.]+)", said)
    return Figures(int(entries), Decimal(net.rstrip(".")))


def _bai2(said: str) -> Figures:
    ((entries, units),) = re.findall(r"16-records (\d+), sum of their amounts (\d+)", said)
    return Figures(int(entries), Decimal(units).scaleb(-2))


def _ofx(said: str) -> Figures:
    ((entries, net),) = re.findall(r"STMTTRN (\d+), signed sum (-?[\d.]+)", said)
    return Figures(int(entries), Decimal(net.rstrip(".")))


def _amounts(said: str, pattern: str) -> Iterator[Decimal]:
    return (Decimal(amount.rstrip(".")) for amount in re.findall(pattern, said))


def balances(one: Expected) -> set[tuple[Decimal, str]]:
    """camt: amount and currency of the balances that statements open and close with."""
    found = re.findall(r"(?:OPBD|CLBD) (-?[\d.]+) ([A-Z]{3})", one.said)
    return {(Decimal(amount), currency) for amount, currency in found}
