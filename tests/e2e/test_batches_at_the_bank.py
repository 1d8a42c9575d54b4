"""Leg B on real servers, two workers, one killed amid the work: batches, bank lines, settled payments."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from app.domain.streams import BANK_LINES, PAYMENTS_COMMANDS, SETTLEMENTS_LINES
from app.stack.local import LocalStack
from tests.effects.workers import Workers
from tests.support.live import Live, prepared_program
from tests.support.waiting import eventually

pytestmark = [pytest.mark.stack, pytest.mark.slow]

NOW = datetime.now(UTC)
TODAY = NOW.date().isoformat()
ACCOUNT = "acc-in"
BATCHES, LINES = 12, 25
PLATFORM = {
    "psps": {"stripe": {}},
    "sources": {
        "acq": {
            "psp": "stripe",
            "settles_to": ACCOUNT,
            "bank_quiet_seconds": 2,
            "bank_window_seconds": 4,
        }
    },
}
NET = LINES * 1_000
UNPAID_NET = LINES * 900
SHORT, UNNAMED, UNPAID, TWICE = 3, 4, 5, 6
"""Batches whose bank line is short, names nothing, never comes, or comes in two parts."""


def amount(batch: int) -> int:
    """The batch that nobody pays has an amount of its own, or it could be the unnamed line's."""
    return 900 if batch == UNPAID else 1_000


def payment(batch: int, number: int) -> tuple[str, dict[str, Any]]:
    name = f"{batch}-{number}"
    record = {
        "type": "payment.record", "id": f"c-{name}", "merchant_id": f"m-{number % 5}",
        "payment_id": f"pay-{name}", "amount": amount(batch), "currency": "EUR", "psp": "stripe",
        "psp_payment_id": f"pi-{name}", "occurred_at": (NOW - timedelta(days=1)).isoformat(),
    }  # fmt: skip
    return f"m-{number % 5}", record


def line(batch: int, number: int) -> tuple[str, dict[str, Any]]:
    record = {
        "type": "settlement.line", "source": "acq", "psp": "stripe", "batch_id": f"PO-{batch:03}",
        "line_id": f"L{batch}-{number}", "kind": "capture", "psp_payment_id": f"pi-{batch}-{number}",
        "currency": "EUR", "gross": amount(batch), "settle_currency": "EUR", "net": amount(batch),
        "booked_on": TODAY,
    }  # fmt: skip
    return f"acq/PO-{batch:03}", record


def trailer(batch: int) -> tuple[str, dict[str, Any]]:
    record = {
        "type": "settlement.trailer", "source": "acq", "psp": "stripe", "batch_id": f"PO-{batch:03}",
        "count": LINES, "gross": LINES * amount(batch), "fee": 0, "net": LINES * amount(batch),
        "settle_currency": "EUR",
    }  # fmt: skip
    return f"acq/PO-{batch:03}", record


def bank(name: str, money: int, text: str) -> tuple[str, dict[str, Any]]:
    record = {
        "type": "bank.line", "account": ACCOUNT, "line_id": name, "amount": money, "currency": "EUR",
        "value_date": TODAY, "remittance": text,
    }  # fmt: skip
    return ACCOUNT, record


def bank_lines() -> Iterator[tuple[str, dict[str, Any]]]:
    for batch in range(BATCHES):
        if batch == SHORT:
            yield bank(f"K{batch}", NET - 77, f"PAYOUT PO-{batch:03}")
        elif batch == UNNAMED:
            yield bank(f"K{batch}", NET, "ACQUIRER")
        elif batch == TWICE:
            yield bank(f"K{batch}a", NET - 500, f"PAYOUT PO-{batch:03} 1/2")
            yield bank(f"K{batch}b", 500, f"PAYOUT PO-{batch:03} 2/2")
        elif batch != UNPAID:
            yield bank(f"K{batch}", NET, f"PAYOUT PO-{batch:03}")
    yield bank("K99", 4_242, "who is this")


async def test_batches_and_the_bank(local_stack: LocalStack, own_template: str, tmp_path: Path) -> None:
    async with prepared_program(local_stack, own_template, tmp_path) as live:
        workers = Workers(live, tmp_path)
        try:
            await _through_a_kill(live, workers)
        finally:
            workers.end()


async def _through_a_kill(live: Live, workers: Workers) -> None:
    workers.start("one")
    workers.start("two")
    live.configure(PLATFORM)
    pairs = [(batch, number) for batch in range(BATCHES) for number in range(LINES)]
    await live.send(PAYMENTS_COMMANDS, [payment(*pair) for pair in pairs])
    await live.send(BANK_LINES, list(bank_lines()))
    await live.send(SETTLEMENTS_LINES, [line(*pair) for pair in pairs[: len(pairs) // 2]])
    await eventually(lambda: _batches(live), 90, "the first batches")
    workers.kill("one")
    await live.send(SETTLEMENTS_LINES, [line(*pair) for pair in pairs[len(pairs) // 2 :]])
    await live.send(SETTLEMENTS_LINES, [trailer(batch) for batch in range(BATCHES)])
    await live.rest()
    await eventually(lambda: _settled(live), 90, "every payment that the bank has paid")
    await live.rest()
    rows = await live.pool.fetch(
        "SELECT category, expected_amount, actual_amount, batch_id FROM mismatches"
        " WHERE status = 'open' ORDER BY category"
    )
    assert [tuple(row) for row in rows] == [
        ("AMOUNT_UNDER", NET, NET - 77, f"PO-{SHORT:03}"),
        ("MISSING_BANK", UNPAID_NET, None, f"PO-{UNPAID:03}"),
        ("UNEXPECTED_BANK", None, 4_242, None),
    ]
    assert await _balance(live, "transit:acq:%") == UNPAID_NET + 77
    assert await _balance(live, f"bank:{ACCOUNT}") == NET * (BATCHES - 1) - 77 + 4_242
    live.run("verify", "--full")


async def _batches(live: Live) -> bool:
    return bool(await live.pool.fetchval("SELECT count(*) FROM settlement_batches") >= 2)


async def _settled(live: Live) -> bool:
    """All but those of two batches, and those two alone stay behind."""
    count = await live.pool.fetchval("SELECT count(*) FROM payments WHERE settlement_status = 'settled'")
    open_ones = await live.pool.fetchval("SELECT count(*) FROM mismatches WHERE status = 'open'")
    return bool(count == (BATCHES - 2) * LINES and open_ones == 3)


async def _balance(live: Live, pattern: str) -> int:
    found = await live.pool.fetchval("SELECT sum(balance) FROM accounts WHERE account LIKE $1", pattern)
    return int(found or 0)
