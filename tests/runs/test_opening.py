"""Opening balances: posted once against `opening`, with the account's sign; what is wrong names its line."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from app.__main__ import main
from app.cli.opening_balances import _outgoing, read_balances
from app.errors import ConfigurationError
from app.store.trial_balance import trial_balance
from app.store.verify import verify
from tests.support.runs_world import RunsWorld

HEAD = "account,currency,amount,on\n"
FILE = (
    HEAD
    + "bank:main,EUR,1250.00,2026-10-31\nm_avail:m-9,EUR,1000.00,2026-10-31\nsuspense,JPY,-80,2026-10-31\n"
)


def written(folder: Path, text: str) -> Path:
    path = folder / "opening.csv"
    path.write_text(text, encoding="utf-8")
    return path


async def test_balances_are_taken_over_once(
    world: RunsWorld, pool: Any, database: str, tmp_path: Path
) -> None:
    records = [_outgoing(record, 1) for record in read_balances(written(tmp_path, FILE))]
    for _ in range(2):
        await world.take(records, datetime(2026, 11, 21, 9, tzinfo=UTC))
    rows = await trial_balance(pool, datetime(2026, 10, 31, tzinfo=UTC).date(), None, "account")
    assert {(row.account, row.currency): row.balance for row in rows} == {
        ("bank:main", "EUR"): 125_000,
        ("m_avail:m-9", "EUR"): -100_000,
        ("opening", "EUR"): -25_000,
        ("suspense", "JPY"): -80,
        ("opening", "JPY"): 80,
    }
    report = await verify(database, full=True)
    assert [check.problems for check in report.checks if not check.ok] == []


async def test_another_amount_for_an_account_is_a_contradiction(
    world: RunsWorld, pool: Any, tmp_path: Path
) -> None:
    for amount in ("1.00", "2.00"):
        path = written(tmp_path, f"{HEAD}bank:main,EUR,{amount},2026-10-31\n")
        await world.take([_outgoing(record, 1) for record in read_balances(path)])
    assert await pool.fetchval("SELECT balance FROM accounts WHERE account = 'bank:main'") == 100
    assert await pool.fetchval("SELECT count(*) FROM dead_letters") == 1


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("bank:main,EUR,1.005,2026-10-31", "more digits than EUR"),
        ("transit:acq:B1,EUR,1,2026-10-31", "cannot be opened"),
        ("bank:main,EUR,1,31.10.2026", "line 2"),
        ("bank:main,XXQ,1,2026-10-31", "XXQ"),
        ("m_avail:m-1,EUR,-1,2026-10-31", "line 2"),
        ("bank:main,EUR,one,2026-10-31", "line 2"),
        ("bank:main,EUR,1,2026-10-31\nbank:main,EUR,1,2026-10-31", "listed twice"),
    ],
)
def test_what_is_wrong_names_its_line(tmp_path: Path, row: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        list(read_balances(written(tmp_path, HEAD + row + "\n")))


def test_a_file_can_be_checked_alone(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["opening-balances", str(written(tmp_path, FILE)), "--check"])
    assert (done.exit_code, done.stdout) == (0, "3 balances are right\n")


@pytest.mark.parametrize("period", ["2026-13", "x", "2999-01"])
def test_a_period_that_cannot_be_closed_is_refused(period: str) -> None:
    assert CliRunner().invoke(main, ["periods", "close", period]).exit_code == 2
