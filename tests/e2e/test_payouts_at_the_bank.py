"""Leg C on real servers: payouts announce themselves to their account, bank lines pay them, books agree."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from app.domain.streams import BANK_LINES, PAYMENTS_COMMANDS
from tests.support.live import Live
from tests.support.waiting import eventually

pytestmark = [pytest.mark.stack, pytest.mark.slow]

NOW = datetime.now(UTC)
ACCOUNT = "acc-out"
PLATFORM = {
    "psps": {"stripe": {}},
    "sources": {
        "bank": {"settles_to": ACCOUNT, "payouts": True, "bank_window_seconds": 3, "bank_tolerance": 50}
    },
    "payout_account": ACCOUNT,
    "release_delay_seconds": 0,
}


def record(kind: str, number: int, **fields: Any) -> tuple[str, dict[str, Any]]:
    return "m-1", {"type": kind, "id": f"{kind}-{number}", "merchant_id": "m-1", **fields}


def create(number: int) -> tuple[str, dict[str, Any]]:
    return record("payout.create", number, payout_id=f"po-{number:04}", amount=10_000, currency="EUR")


def paid(number: int) -> tuple[str, dict[str, Any]]:
    at = NOW.isoformat()
    return record("payout.paid", number, payout_id=f"po-{number:04}", bank_fee=25, occurred_at=at)


def bank(number: int, amount: int) -> tuple[str, dict[str, Any]]:
    line = {
        "type": "bank.line", "account": ACCOUNT, "line_id": f"K{number}", "amount": amount, "currency": "EUR",
        "value_date": NOW.date().isoformat(), "remittance": f"PAYOUT po-{number:04}",
    }  # fmt: skip
    return ACCOUNT, line


async def test_payouts_and_the_bank(live: Live) -> None:
    live.configure(PLATFORM)
    await live.rest()
    at = (NOW - timedelta(days=1)).isoformat()
    merchant = record("merchant.configure", 0, settlement_currency="EUR")
    income = record(
        "payment.record", 0, payment_id="pay-1", amount=1_000_000, currency="EUR", psp="stripe",
        psp_payment_id="pi_1", occurred_at=at,
    )  # fmt: skip
    await live.send(PAYMENTS_COMMANDS, [merchant, income])
    await live.rest()
    await eventually(lambda: _available(live), 30, "released money")
    await live.send(PAYMENTS_COMMANDS, [create(number) for number in range(1, 7)])
    await live.send(BANK_LINES, [bank(1, -10_025), bank(2, -10_060)])
    await live.rest()
    await live.send(PAYMENTS_COMMANDS, [paid(number) for number in range(1, 6)])
    await live.send(BANK_LINES, [bank(3, -10_025), bank(4, -12_000)])
    await live.rest()
    await eventually(lambda: _missing(live), 60, "two payouts that the bank does not show")
    await live.rest()
    rows = await live.pool.fetch(
        "SELECT category, explanation ->> 'subject_ids' AS about FROM mismatches"
        " WHERE status = 'open' AND leg = 'C' ORDER BY about"
    )
    assert [(row["category"], row["about"]) for row in rows] == [
        ("AMOUNT_OVER", '["payout:m-1/po-0004"]'),
        ("MISSING_BANK", '["payout:m-1/po-0005"]'),
        ("MISSING_BANK", '["payout:m-1/po-0006"]'),
    ]
    told = {
        row["id"]: msgspec.json.decode(row["state"]).get("bank")
        for row in await live.pool.fetch("SELECT id, state FROM payouts")
    }
    assert [one["confirmed"] for one in (told["po-0001"], told["po-0002"], told["po-0003"])] == [True] * 3
    assert told["po-0002"]["difference"] == -35
    assert told["po-0005"] is None
    assert await _balance(live, f"bank:{ACCOUNT}") == -(10_025 + 10_060 + 10_025 + 12_000 + 10_025)
    assert await _balance(live, "payout_fee") == 5 * 25 + 35
    assert await _balance(live, "unapplied") == -1_975
    live.run("verify")


async def _available(live: Live) -> bool:
    return await _balance(live, "m_avail:m-1") == 1_000_000


async def _missing(live: Live) -> bool:
    count = await live.pool.fetchval(
        "SELECT count(*) FROM mismatches WHERE status = 'open' AND leg = 'C' AND category = 'MISSING_BANK'"
    )
    return bool(count == 2)


async def _balance(live: Live, account: str) -> int:
    found = await live.pool.fetchval("SELECT sum(balance) FROM accounts WHERE account = $1", account)
    return int(found or 0)
