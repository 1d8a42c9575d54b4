"""A month's close on Kafka and PostgreSQL with two workers, one of them killed.

A schedule fires once per due time; exceptions are worked by two people, approved and posted; the period is
closed and sealed, a late fact leaves it as it was; report and journal are exported and balance.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pytest
from aiohttp import ClientSession

from app.domain.streams import BANK_LINES, PAYMENTS_COMMANDS, SETTLEMENTS_LINES
from app.errors import ConfigurationError
from app.store.verify import Report, verify
from tests.e2e.test_two_people import Person, key_of, web
from tests.effects.workers import Workers
from tests.support.live import Live
from tests.support.waiting import eventually

pytestmark = pytest.mark.slow

TODAY: Final = datetime.now(UTC).date()
LAST: Final = TODAY.replace(day=1) - timedelta(days=1)
FIRST: Final = LAST.replace(day=1)
ACCOUNT: Final = "DE89370400440532013000"
PLATFORM: Final = {
    "psps": {"stripe": {"fee_plan": {"bps": 100}, "settlement_window_seconds": 1}},
    "sources": {
        "acq": {
            "psp": "stripe",
            "payment_window_seconds": 1,
            "min_wait_seconds": 4,
            "settles_to": ACCOUNT,
            "bank_window_seconds": 6,
            "bank_quiet_seconds": 1,
        },
        "bank": {"settles_to": ACCOUNT, "bank_window_seconds": 6},
    },
}
MERCHANT: Final = {
    "type": "merchant.configure", "id": "c0", "merchant_id": "m-1", "name": "Acme",
    "settlement_currency": "EUR",
}  # fmt: skip
PAYMENTS: Final = 20


def payment(number: int, on: date) -> dict[str, Any]:
    return {
        "type": "payment.record", "id": f"c{number}", "merchant_id": "m-1", "payment_id": f"pay-{number}",
        "amount": 10_000, "currency": "EUR", "psp": "stripe", "psp_payment_id": f"pi_{number}",
        "occurred_at": f"{on}T09:00:00Z",
    }  # fmt: skip


def line(number: int, gross: int = 10_000, fee: int = 100) -> dict[str, Any]:
    return {
        "type": "settlement.line", "source": "acq", "psp": "stripe", "batch_id": batch_of(number),
        "line_id": f"L{number}", "kind": "capture", "psp_payment_id": f"pi_{number}", "currency": "EUR",
        "gross": gross, "fee": fee, "settle_currency": "EUR", "net": gross - fee,
        "booked_on": (day_of(number) + timedelta(days=1)).isoformat(),
    }  # fmt: skip


def bank_line(line_id: str, amount: int, remittance: str, on: date = LAST) -> dict[str, Any]:
    return {
        "type": "bank.line", "account": ACCOUNT, "line_id": line_id, "amount": amount, "currency": "EUR",
        "value_date": on.isoformat(), "booking_date": on.isoformat(), "remittance": remittance,
    }  # fmt: skip


def day_of(number: int) -> date:
    return FIRST + timedelta(days=number)


def batch_of(number: int) -> str:
    return "BATCH-1" if number <= PAYMENTS // 2 else "BATCH-2"


LINES: Final = [
    *(line(number) for number in range(1, PAYMENTS - 1)),
    line(PAYMENTS - 1, fee=130),  # 0.30 more than the plan says
    line(PAYMENTS, gross=9_000),  # 10.00 of it are missing
]


async def begin(live: Live) -> None:
    live.configure(PLATFORM)
    payments = [payment(number, day_of(number)) for number in range(1, PAYMENTS + 1)]
    await live.send(PAYMENTS_COMMANDS, [("m-1", record) for record in [MERCHANT, *payments]])
    await live.send(SETTLEMENTS_LINES, [(f"acq/{one['batch_id']}", one) for one in LINES])
    net: Counter[str] = Counter()
    booked: dict[str, date] = {}
    for one in LINES:
        net[one["batch_id"]] += one["net"]
        booked[one["batch_id"]] = date.fromisoformat(one["booked_on"])
    deposits = [
        bank_line(f"K{name}", amount, f"PAYOUT {name}", booked[name] + timedelta(days=1))
        for name, amount in net.items()
    ]
    deposits.append(bank_line("K-unknown", 500, "no idea"))
    await live.send(BANK_LINES, [(ACCOUNT, record) for record in deposits])


async def test_a_month_is_closed(live: Live, workers: Workers, tmp_path: Path) -> None:
    workers.start("one")
    workers.start("two")
    await begin(live)
    with web(live, tmp_path) as url:
        async with ClientSession() as session:
            people = {
                role: Person(session, url, key_of(live, role)) for role in ("analyst", "approver", "lead")
            }
            run = await _scheduled(live, workers, session, url, people)
            assert run["report"]["matched"], run
            await _work(people)
            await _close(live, people)
            await _export(session, url, people["lead"], run["id"])


async def _scheduled(
    live: Live, workers: Workers, session: ClientSession, url: str, people: dict[str, Person]
) -> dict[str, Any]:
    """Every minute, while a worker is killed: one run per due time, and they all end."""
    lead = people["lead"]
    body = {
        "timing": {"kind": "cron", "cron": "* * * * *"},
        "covers": "month",
        "scope": {"source": "acq"},
        "calendar": {"time_zone": "UTC"},
    }
    headers = {"Authorization": f"Bearer {lead._key}", "Idempotency-Key": "s-1", "Prefer": "wait=10"}
    async with session.put(f"{url}/v1/schedules/month-end", json=body, headers=headers) as answer:
        assert answer.status in (201, 202), await answer.text()
    workers.kill("one")

    async def done() -> dict[str, Any] | None:
        items = (await lead.see("/v1/reconciliations?schedule_id=month-end&status=done"))["items"]
        return items[-1] if items else None

    first = await eventually(done, 150, "the schedule's first run")
    assert first is not None
    headers["Idempotency-Key"] = "s-2"
    async with session.put(
        f"{url}/v1/schedules/month-end", json={**body, "enabled": False}, headers=headers
    ) as answer:
        assert answer.status in (200, 202), await answer.text()
    await live.rest()
    runs = (await lead.see("/v1/reconciliations?schedule_id=month-end"))["items"]
    assert max(Counter(run["due_at"] for run in runs).values()) == 1
    assert {run["status"] for run in runs} == {"done"}
    assert {(run["scope"]["from"], run["scope"]["to"]) for run in runs} == {
        (FIRST.isoformat(), LAST.isoformat())
    }
    found: dict[str, Any] = await lead.see(f"/v1/reconciliations/{first['id']}")
    return found


HOW: Final = {
    "FEE_VARIANCE": "accept_as_fee",
    "AMOUNT_UNDER": "write_off",
    "UNEXPECTED_BANK": "ignore",
}


async def _work(people: dict[str, Person]) -> None:
    """One looks into each and proposes, another approves."""
    analyst, approver = people["analyst"], people["approver"]

    found = (await analyst.see("/v1/mismatches?open=true"))["items"]
    assert sorted(one["category"] for one in found) == sorted(HOW), found
    for mismatch in found:
        one = f"/v1/mismatches/{mismatch['id']}"
        assert (await analyst.do(f"{one}/assign"))[0] == 200
        assert (await analyst.do(f"{one}/investigate", note="asked the acquirer"))[0] == 200
        kind = HOW[mismatch["category"]]
        status, answer = await analyst.do(f"{one}/propose", kind=kind, reason_code="month_end", note="ok")
        assert (status, answer["status"]) == (200, "pending_approval"), answer
        status, answer = await approver.do(f"{one}/approve")
        assert (status, answer["status"] in ("resolved", "written_off")) == (200, True), answer
    assert (await analyst.see("/v1/mismatches?open=true"))["items"] == []


async def _close(live: Live, people: dict[str, Person]) -> None:
    """Clearing items are at zero or explained; what is sealed stays, although a fact comes late."""
    lead = people["lead"]
    await live.rest()
    assert (await lead.do("/v1/ledger/periods", through=LAST.isoformat()))[0] == 202

    async def closed() -> bool:
        (period,) = (await lead.see("/v1/ledger/periods"))["items"] or [{"lanes": 0, "of_lanes": 1}]
        return bool(period["lanes"] == period["of_lanes"])

    await eventually(closed, 60, "every lane to close")
    report = await _verify(live)
    assert [check for check in report.checks if not check.ok] == []
    month = f"/v1/ledger/trial-balance?as_of={LAST}"
    before = await lead.see(month)
    (period,) = (await lead.see("/v1/ledger/periods"))["items"]
    assert period["sealed_at"] is not None
    await live.send(PAYMENTS_COMMANDS, [("m-1", payment(99, FIRST))])
    await live.rest()
    assert await lead.see(month) == before
    late = (await lead.see("/v1/ledger/transactions?payment_id=pay-99"))["items"]
    assert [one["occurred_at"][:10] for one in late if one["kind"] == "capture"] == [FIRST.isoformat()]
    transit = await live.pool.fetch(
        "SELECT account, sum(balance) AS balance FROM accounts WHERE account ^@ 'transit:' GROUP BY account"
    )
    assert {row["account"]: int(row["balance"]) for row in transit} == {
        "transit:acq:BATCH-1": 0,
        "transit:acq:BATCH-2": 0,
    }


async def _export(session: ClientSession, url: str, lead: Person, run_id: str) -> None:
    headers = {"Authorization": f"Bearer {lead._key}"}
    for kind in ("json", "csv", "xlsx"):
        address = f"{url}/v1/reconciliations/{run_id}/report.{kind}"
        async with session.get(address, headers=headers) as answer:
            assert answer.status == 200, kind
            assert len(await answer.read()) > 500
    async with session.get(f"{url}/v1/ledger/journal.csv?period={LAST:%Y-%m}", headers=headers) as answer:
        rows = list(csv.DictReader(io.StringIO(await answer.text())))
    sums = Counter[str]()
    for row in rows:
        sums[row["transaction_id"]] += int(Decimal(row["debit"] or 0) * 100) - int(
            Decimal(row["credit"] or 0) * 100
        )
    assert len(sums) > 2 * PAYMENTS
    assert set(sums.values()) == {0}
    assert {row["posted_on"][:7] for row in rows} == {f"{LAST:%Y-%m}"}
    assert not [row for row in rows if row["payment_id"] == "pay-99"]


async def _verify(live: Live) -> Report:
    """The worker runs it by itself from time to time, and only one may."""

    async def run() -> Report | None:
        try:
            return await verify(live.database, full=True)
        except ConfigurationError:
            return None

    report = await eventually(run, 60, "the other verify")
    assert report is not None
    return report
