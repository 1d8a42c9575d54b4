"""Bank statements that others made, against INDEX.md; `python -m tests.formats.table` prints it all."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from itertools import pairwise

import pytest

from app.formats.statements import Balance, Statement, agreement
from tests.formats import csv_sources
from tests.formats.index import Expected, balances, expected
from tests.formats.table import EXPLAINED, agrees, read
from tests.support.fixtures import shared_fixture
from tests.support.statement_files import Found, read_statements

EVERY = [one for one in expected() if one.form != "csv"]
PROVEN_OF = {
    "mt940__ASNB_mt940.txt": (31, 31),
    "mt940__betterplace_sepa_mt9401.sta": (26, 26),
    "mt940__citi_mt940.txt": (1, 1),
    "mt940__sberbank_171011_01234945.sta": (1, 1),
    "mt940__self-provided_february_30.sta": (1, 1),
    "mt940__jejik_rabobank.sta": (2, 4),
    "mt940__jejik_postfinance.sta": (1, 2),
}
"""INDEX.md's cross-file facts: statements that balance, of how many."""


def named(one: Expected) -> str:
    return one.path.name


def test_the_fixtures_are_there() -> None:
    assert shared_fixture("INDEX.md").exists()
    assert len(EVERY) == 100


@pytest.mark.parametrize("one", EVERY, ids=named)
def test_counts_and_sums(one: Expected) -> None:
    outcome = read(one)
    if one.path.name in EXPLAINED:
        assert outcome.read is None
    else:
        assert agrees(one, outcome), outcome


@pytest.mark.parametrize("one", [one for one in EVERY if "opening+net=closing:" in one.said], ids=named)
def test_camt_balances(one: Expected) -> None:
    """`ok`, `NO` and `-` of each statement are what is found, and balances are what they are."""
    found = read_statements(one.path, "camt").statements
    said = [part.partition("opening+net=closing: ")[2][:2].strip("; ") for part in one.said.split("‖")]
    assert [{True: "ok", False: "NO", None: "-"}[agreement(s).agrees] for s in found] == said
    got = {(b.amount, b.currency) for s in found for b in (s.opening, s.closing) if b is not None}
    assert balances(one) <= got


@pytest.mark.parametrize(("name", "counts"), PROVEN_OF.items())
def test_mt940_balances(name: str, counts: tuple[int, int]) -> None:
    found = read_statements(shared_fixture("bank", "mt940", name), "mt940").statements
    assert (sum(agreement(one).agrees is True for one in found), len(found)) == counts


def test_a_reversed_credit_counts_negative() -> None:
    """The file balances in 26 of 26 statements only so; as a credit it adds up to -9268316.38."""
    found = read_statements(shared_fixture("bank", "mt940", "mt940__betterplace_sepa_mt9401.sta"), "mt940")
    assert sum(line.amount for line in found.lines) == -926913590


def daily_run() -> list[Found]:
    folder = shared_fixture("bank", "camt_daily_run")
    return [read_statements(path, "camt") for path in sorted(folder.iterdir())]


def test_a_month_of_days_is_one_chain() -> None:
    """Balances have no side in these files, so that nothing is proven by them, and that is said every day."""
    by_account: dict[str, list[Statement]] = defaultdict(list)
    for found in daily_run():
        for statement in found.statements:
            by_account[statement.account].append(statement)
            assert agreement(statement).agrees is None
        assert any("do not say whether they are credit or debit" in said for said in found.warnings)
    for days in by_account.values():
        assert len(days) == 30
        assert all(amount(one.closing) == amount(two.opening) for one, two in pairwise(days))
    ends = by_account["LT625883379695428516"]
    assert amount(ends[0].opening) == Decimal("21081222.58")
    assert amount(ends[-1].closing) == Decimal("20073668.35")


def amount(balance: Balance | None) -> Decimal:
    assert balance is not None
    return balance.amount


def test_the_lines_of_the_month() -> None:
    lines = [line for found in daily_run() for line in found.lines]
    of_one = [line.amount for line in lines if line.account == "LT625883379695428516"]
    assert (len(of_one), sum(a for a in of_one if a > 0), sum(a for a in of_one if a < 0)) == (
        234,
        4648264213,
        -4749019636,
    )
    assert [line.amount for line in lines if line.account == "LT414319056143772570"] == [-200000]
    assert len({(line.account, line.line_id) for line in lines}) == 235


def test_a_batch_is_one_line() -> None:
    found = read_statements(shared_fixture("bank", "camt", "camt_parser__053_valid_example_v4.xml"), "camt")
    assert len(found.lines) == 13  # of 32 transactions
    assert len({line.line_id for line in found.lines}) == 13


@pytest.mark.parametrize("name", csv_sources.CSV)
def test_csv_by_description(name: str) -> None:
    right, words = csv_sources.read(shared_fixture("bank", "csv", name))
    assert right, words
