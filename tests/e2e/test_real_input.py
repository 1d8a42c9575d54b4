"""Other people's files through Kafka into the ledger: what they hold is what the books hold, to the cent.

TALLYSTICK_ALL_REAL_INPUT=1 pytest tests/e2e/test_real_input.py     # all days of the Fraud Handbook
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from app.domain.streams import PAYMENTS_COMMANDS, SETTLEMENTS_LINES
from tests.support import recon_context_01 as recon
from tests.support import stream_files as files
from tests.support.fixtures import shared_fixture
from tests.support.live import Live
from tests.support.recon_found import as_comparison

pytestmark = [pytest.mark.stack, pytest.mark.slow]

ALL = "TALLYSTICK_ALL_REAL_INPUT"
LIFETIME_SECONDS = 80 * 365 * 86_400
"""No window of these payments from 1993 and 2018 closes: nothing settles them."""
WINDOW_SECONDS = 2
MIN_WAIT_SECONDS = 3
"""All sales and lines are in the logs before the first window closes."""


def by_merchant(records: Iterable[files.Record]) -> list[tuple[str, files.Record]]:
    return [(record["merchant_id"], record) for record in records]


async def captured(live: Live) -> dict[str, files.Totals]:
    """Currency -> number and sum of the captures, from the entries of the ledger."""
    rows = await live.pool.fetch(
        "SELECT e.currency, count(*) AS number, sum(e.amount) AS amount"
        "  FROM ledger_transactions t JOIN ledger_entries e ON e.transaction_id = t.id"
        " WHERE t.kind = 'capture' AND e.account LIKE 'psp_recv:%' AND e.direction = 'debit'"
        " GROUP BY e.currency"
    )
    return {row["currency"]: files.Totals(row["number"], int(row["amount"])) for row in rows}


async def held(live: Live) -> dict[str, files.Totals]:
    """Currency -> number and sum of the payments, from their own rows."""
    rows = await live.pool.fetch(
        "SELECT currency, count(*) AS number, sum(captured_amount) AS amount FROM payments GROUP BY currency"
    )
    return {row["currency"]: files.Totals(row["number"], int(row["amount"])) for row in rows}


def handbook_days() -> list[Path]:
    days = files.handbook_files(shared_fixture(*files.HANDBOOK))
    assert days
    return days if os.environ.get(ALL) else days[:1]


async def test_transaction_files_are_in_the_ledger_to_the_cent(live: Live) -> None:
    days, berka = handbook_days(), shared_fixture(*files.BERKA)
    window = {"settlement_window_seconds": LIFETIME_SECONDS}
    live.configure({"release_delay_seconds": LIFETIME_SECONDS, "psps": {"handbook": window, "berka": window}})
    for payments in (*map(files.handbook_payments, days), files.berka_payments(berka)):
        await live.send(PAYMENTS_COMMANDS, by_merchant(payments))
    await live.rest()
    handbook = [files.handbook_totals(day) for day in days]
    wanted = {
        files.HANDBOOK_CURRENCY: files.Totals(
            sum(day.number for day in handbook), sum(day.amount for day in handbook)
        ),
        files.BERKA_CURRENCY: files.berka_totals(berka),
    }
    assert await captured(live) == wanted
    assert await held(live) == wanted
    assert await amounts_of(live, binary_artefacts(days)) == binary_artefacts(days)
    live.run("verify")


def binary_artefacts(days: Iterable[Path]) -> dict[str, int]:
    """Payment id -> cents of the rows whose amount went through binary floating point, read as floats."""
    rows = [line.split(",") for day in days for line in day.read_text("ascii").splitlines()[1:]]
    return {f"fh-{row[0]}": round(float(row[4]) * 100) for row in rows if len(row[4].partition(".")[2]) > 2}


async def amounts_of(live: Live, payments: Iterable[str]) -> dict[str, int]:
    rows = await live.pool.fetch(
        "SELECT id, captured_amount FROM payments WHERE id = ANY ($1)", list(payments)
    )
    return {row["id"]: row["captured_amount"] for row in rows}


class Row(msgspec.Struct, frozen=True):
    """A row of `mismatches`."""

    category: str
    owner_key: str
    expected_amount: int | None
    actual_amount: int | None
    explanation: dict[str, Any]


async def open_mismatches(live: Live) -> list[Row]:
    rows = await live.pool.fetch(
        "SELECT category, owner_key, expected_amount, actual_amount, explanation FROM mismatches"
        " WHERE status = 'open'"
    )
    return [
        msgspec.convert({**row, "explanation": msgspec.json.decode(row["explanation"])}, Row) for row in rows
    ]


async def test_a_card_acquirers_file_gives_what_a_script_finds(live: Live) -> None:
    folder = shared_fixture(*recon.FOLDER)
    plan = recon.Plan()
    fixed = int(plan.fixed * recon.CENTS_PER_UNIT)
    live.configure(
        {
            "psps": {
                recon.PSP: {
                    "fee_plan": {
                        "bps": int(plan.rate * 10_000),
                        "fixed": dict.fromkeys(("BRL", "USD", "EUR"), fixed),
                    },
                    "fee_tolerance": plan.fee_tolerance,
                    "gross_tolerance": plan.gross_tolerance,
                    "settlement_window_seconds": WINDOW_SECONDS,
                }
            },
            "sources": {
                recon.SOURCE: {
                    "psp": recon.PSP,
                    "payment_window_seconds": WINDOW_SECONDS,
                    "min_wait_seconds": MIN_WAIT_SECONDS,
                }
            },
        }
    )
    await live.send(PAYMENTS_COMMANDS, by_merchant(recon.payments(folder)))
    lines = recon.settlement_lines(folder)
    await live.send(SETTLEMENTS_LINES, [(f"{line['source']}/{line['batch_id']}", line) for line in lines])
    await live.rest()
    pairs = await live.pool.fetchval(
        "SELECT count(*) FROM items WHERE expected_gross IS NOT NULL AND lines > 0"
    )
    assert as_comparison(await open_mismatches(live), pairs) == recon.compare(folder, plan)
    assert await captured(live) == sales_by_currency(folder)
    assert await transit(live) == recon.net_by_batch(folder)
    live.run("verify")


def sales_by_currency(folder: Path) -> dict[str, files.Totals]:
    amounts: dict[str, list[int]] = {}
    for row in recon.sales(folder):
        amounts.setdefault(row["currency"], []).append(recon.cents(row["amount"]))
    return {currency: files.Totals(len(each), sum(each)) for currency, each in amounts.items()}


async def transit(live: Live) -> dict[tuple[str, str], int]:
    """(settlement id, currency) -> what the batch put into `transit`, over all lane partitions."""
    rows = await live.pool.fetch(
        "SELECT account, currency, sum(balance) AS balance FROM accounts"
        " WHERE account LIKE 'transit:%' GROUP BY account, currency"
    )
    prefix = f"transit:{recon.SOURCE}:"
    return {(row["account"].removeprefix(prefix), row["currency"]): int(row["balance"]) for row in rows}
