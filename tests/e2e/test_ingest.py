"""`ingest` on real servers: each line once, whatever happens on the way; what is wrong is kept and said."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.commands import CHECKOUT, app_command, run_app
from tests.support.live import REST_SECONDS, Live
from tests.support.source_files import BANK_FIELDS, SETTLEMENT_FIELDS, line, written_as

pytestmark = [pytest.mark.stack, pytest.mark.slow]

LONG_SECONDS = 10 * 365 * 86_400
ROWS = 40_000
TRAILER = {"when": [{"column": "batch", "equals": ["T"]}], "count": "id", "gross": "gross"}
WITHOUT_ID = {name: how for name, how in BANK_FIELDS.items() if name != "line_id"}
PLATFORM = {
    "psps": {"stripe": {"settlement_window_seconds": LONG_SECONDS}},
    "sources": {
        "acquirer-a": {
            "psp": "stripe",
            "payment_window_seconds": LONG_SECONDS,
            "file": {"holds": "settlement", "format": "csv", "fields": SETTLEMENT_FIELDS, "trailer": TRAILER},
        },
        "bank-a": {
            "psp": "",
            "file": {"holds": "bank", "format": "csv", "fields": WITHOUT_ID | {"value_date": "day"}},
        },
    },
}


def ingest(live: Live, path: Path, source: str, *options: str) -> tuple[int, Any]:
    done = run_app(
        "ingest", path, "--source", source, "--json", *options,
        env=live.environment(), within_seconds=REST_SECONDS,
    )  # fmt: skip
    return done.returncode, json.loads(done.stdout) if done.stdout else done.stderr


def started(live: Live, path: Path, source: str) -> subprocess.Popen[bytes]:
    """The verb at work, in a process of its own."""
    command = app_command("ingest", path, "--source", source)
    return subprocess.Popen(
        command, cwd=CHECKOUT, env=live.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )


async def logged(live: Live) -> int:
    """How many records the lanes' logs hold."""
    view = await live.watch.look()
    return view.committed + view.lag


async def balances(live: Live) -> dict[str, int]:
    rows = await live.pool.fetch(
        "SELECT account, sum(balance)::bigint AS balance FROM accounts"
        " GROUP BY account HAVING sum(balance) <> 0"
    )
    return {row["account"]: row["balance"] for row in rows}


async def test_lines_arrive_once_and_what_is_wrong_is_kept(live: Live, tmp_path: Path) -> None:
    live.configure(PLATFORM)
    await live.rest()
    path = tmp_path / "settlement.csv"
    rows = [line(n) for n in range(1, 101)] + [line(101, gross="garbled"), line(5)]
    path.write_bytes(written_as("csv", rows) + b"T,102,,,10100.00,,\r\n")
    code, found = ingest(live, path, "acquirer-a")
    assert (code, found["status"], found["rows"], found["sent"], found["quarantined"]) == (
        0,
        "done",
        102,
        101,
        1,
    )
    await live.rest()
    wanted = {"transit:acquirer-a:B1": 985_000, "psp_fee": 15_000, "unapplied": 1_000_000}
    assert await balances(live) == wanted
    (kept,) = await live.pool.fetch("SELECT row_number, reason, raw FROM quarantined_rows")
    assert (kept["row_number"], "garbled" in kept["raw"], "is no amount" in kept["reason"]) == (
        101,
        True,
        True,
    )

    before = await logged(live)
    code, again = ingest(live, path, "acquirer-a")
    assert (code, again["status"], again["sent"], await logged(live)) == (0, "already_ingested", 0, before)
    code, again = ingest(live, path, "acquirer-a", "--again")
    await live.rest()
    assert (code, again["sent"], await balances(live)) == (0, 101, wanted)

    before = await logged(live)
    path.write_bytes(written_as("csv", [line(900)]) + b"T,2,,,100.00,,\r\n")
    code, found = ingest(live, path, "acquirer-a")
    assert (code, found["status"], await logged(live)) == (1, "quarantined", before)
    assert "says 2 rows, there are 1" in found["reason"]
    status = await live.pool.fetchval("SELECT status FROM files WHERE reason IS NOT NULL")
    assert status == "quarantined"
    live.run("verify")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, 130)])
async def test_ended_in_the_middle_and_run_again_each_line_is_there_once(
    live: Live, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    """The rows have no ids of their own, and some are equal."""
    live.configure(PLATFORM)
    await live.rest()
    before = await logged(live)
    path = tmp_path / "bank.csv"
    rows = [{"amount": f"{n // 2}.25", "currency": "EUR", "day": "2026-11-21"} for n in range(ROWS)]
    path.write_bytes(written_as("csv", rows))
    process = started(live, path, "bank-a")
    await live.watch.until(
        lambda view: view.committed + view.lag > before, REST_SECONDS, "the first records of the file"
    )
    process.send_signal(number)
    _, said = process.communicate()
    assert process.returncode == code, f"the file is too small, it was sent before the signal: {said!r}"
    assert (b"running it again is safe" in said) == (number == signal.SIGINT)
    assert await live.pool.fetchval("SELECT status FROM files") == "started"

    code, found = ingest(live, path, "bank-a")
    assert (code, found["status"], found["sent"]) == (0, "done", ROWS)
    await live.rest()
    total = sum(n // 2 * 100 + 25 for n in range(ROWS))
    assert await balances(live) == {"bank:DE89": total, "unapplied": total}
    posted = await live.pool.fetchval("SELECT count(*) FROM ledger_transactions WHERE kind = 'bank.line'")
    kept = await live.pool.fetchval("SELECT count(*) FROM bank_lines")
    assert (posted, kept) == (ROWS, ROWS)
    live.run("verify")


async def test_an_unknown_source_names_the_stored_ones(live: Live, tmp_path: Path) -> None:
    code, said = ingest(live, tmp_path / "x", "acquirer-a")
    assert (code, "the platform is not configured yet" in said) == (2, True)
    live.configure(PLATFORM)
    await live.rest()
    code, said = ingest(live, tmp_path / "x", "acquirer-b")
    assert (code, "has no source 'acquirer-b'; with files: acquirer-a, bank-a" in said) == (2, True)
    code, said = ingest(live, tmp_path / "x", "acquirer-a")
    assert (code, "x cannot be read: No such file" in said) == (1, True)
