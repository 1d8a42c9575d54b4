"""A closed period does not change: late facts post to the first open day and keep their own date."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import asyncpg
import msgspec
import pytest

from app.domain.commands import MerchantConfigure, PaymentRecord
from app.domain.streams import BANKING_COMMANDS, MATCHING_COMMANDS, PAYMENTS_COMMANDS, RECONCILIATION_COMMANDS
from app.kafka.outgoing import Outgoing
from app.period_records import close_records, days_of_period
from app.store.trial_balance import JournalRow, journal, periods, trial_balance
from app.store.verify import Report, verify
from tests.support.runs_world import RunsWorld, outgoing

LANES = (PAYMENTS_COMMANDS, MATCHING_COMMANDS, BANKING_COMMANDS, RECONCILIATION_COMMANDS)
OCTOBER = date(2026, 10, 31)


def payment(number: int, on: datetime) -> Outgoing:
    record = PaymentRecord(
        id=f"c{number}",
        merchant_id="m-1",
        payment_id=f"pay-{number}",
        amount=1000 + number,
        currency="EUR",
        psp="stripe",
        psp_payment_id=f"pi_{number}",
        occurred_at=on,
    )
    return outgoing(PAYMENTS_COMMANDS, "m-1", record)


async def entries(pool: Any, first: date, last: date, after: str | None = None) -> list[JournalRow]:
    return [row async for rows in journal(pool, first, last, after) for row in rows]


def check(report: Report, name: str) -> Any:
    return next(check for check in report.checks if check.name == name)


@pytest.fixture
async def world(pool: Any) -> RunsWorld:
    world = RunsWorld(pool, LANES)
    merchant = MerchantConfigure(id="m", merchant_id="m-1", settlement_currency="EUR")
    await world.take([outgoing(PAYMENTS_COMMANDS, "m-1", merchant)], datetime(2026, 10, 1, tzinfo=UTC))
    await world.take(
        [payment(1, datetime(2026, 10, 20, 9, tzinfo=UTC))], datetime(2026, 10, 20, 9, tzinfo=UTC)
    )
    return world


async def test_late_facts_leave_a_closed_period_as_it_was(world: RunsWorld, pool: Any, database: str) -> None:
    before = await trial_balance(pool, OCTOBER, None)
    assert sum(row.balance for row in before) == 0
    closing_at = datetime(2026, 11, 3, 12, tzinfo=UTC)
    await world.take(close_records(OCTOBER, "key:k", 1), closing_at)
    (period,) = await periods(pool)
    assert (period.through, period.lanes, period.of_lanes, period.sealed_at) == (OCTOBER, 4, 4, None)
    sealed = await verify(database)
    assert check(sealed, "periods").figures == {"closed": 1, "sealed": 1}
    await world.take([payment(2, datetime(2026, 10, 30, 9, tzinfo=UTC))], closing_at)
    assert await trial_balance(pool, OCTOBER, None) == before
    (late,) = {
        row.transaction_id: row for row in await entries(pool, date(2026, 11, 1), date(2026, 11, 30))
    }.values()
    assert (late.posted_on, late.occurred_at.date()) == (date(2026, 11, 1), date(2026, 10, 30))
    assert check(await verify(database, full=True), "periods").ok
    await world.take(close_records(date(2026, 11, 10), "key:k", 1), datetime(2026, 11, 12, tzinfo=UTC))
    await world.take([payment(3, datetime(2026, 10, 30, 9, tzinfo=UTC))], datetime(2026, 11, 13, tzinfo=UTC))
    assert await trial_balance(pool, OCTOBER, None) == before
    assert {row.posted_on for row in await entries(pool, date(2026, 11, 11), date(2026, 11, 30))} == {
        date(2026, 11, 11)
    }


async def test_a_seal_that_does_not_hold_is_found_and_a_close_is_never_undone(
    world: RunsWorld, pool: Any, database: str
) -> None:
    await world.take(close_records(OCTOBER, "key:k", 1), datetime(2026, 11, 3, 12, tzinfo=UTC))
    await verify(database)
    for table in ("period_closes", "period_seals"):
        with pytest.raises(asyncpg.PostgresError, match="append-only"):
            await pool.execute(f"DELETE FROM {table}")
    await pool.execute("ALTER TABLE period_seals DISABLE TRIGGER period_seals_append_only")
    await pool.execute("UPDATE period_seals SET debit = debit + 1 WHERE account = 'psp_recv'")
    found = check(await verify(database, full=True), "periods")
    assert not found.ok
    assert "psp_recv EUR through 2026-10-31: sealed 1002, now 1001" in found.problems[0]


async def test_a_close_is_not_whole_before_every_lane_has_come_to_it(
    world: RunsWorld, pool: Any, database: str
) -> None:
    first, *rest = close_records(OCTOBER, "key:k", 1)
    await world.take([first], datetime(2026, 11, 3, 12, tzinfo=UTC))
    await world.store.positions([lane.id for lane in world.lanes.values()])
    assert check(await verify(database), "periods").figures == {"closed": 1, "sealed": 0}
    await world.take(rest, datetime(2026, 11, 3, 12, tzinfo=UTC))
    await world.take([first, *rest], datetime(2026, 11, 3, 12, tzinfo=UTC))
    assert check(await verify(database), "periods").figures == {"closed": 1, "sealed": 1}


async def test_the_journal_goes_on_where_it_was_cut_off(world: RunsWorld, pool: Any) -> None:
    for number in range(2, 6):
        day = datetime(2026, 10, 20 + number, tzinfo=UTC)
        await world.take([payment(number, day)], day)
    first, last = days_of_period("2026-10")
    whole = await entries(pool, first, last)
    assert [row.seq for row in whole[:2]] == [1, 2]
    sums: dict[str, int] = {}
    for row in whole:
        sums[row.transaction_id] = sums.get(row.transaction_id, 0) + (
            row.amount if row.direction == "debit" else -row.amount
        )
    assert set(sums.values()) == {0}
    ids = list(sums)
    assert await entries(pool, first, last, ids[2]) == [row for row in whole if row.transaction_id in ids[3:]]
    assert await entries(pool, *days_of_period("2026-10-22..2026-10-23")) == [
        row for row in whole if row.posted_on.day in (22, 23)
    ]
    assert msgspec.json.encode(await entries(pool, first, last)) == msgspec.json.encode(whole)


@pytest.mark.parametrize(
    ("text", "ends"), [("2026-02", (1, 28)), ("2028-02", (1, 29)), ("2026-12-05", (5, 5))]
)
def test_periods_are_months_days_and_spans(text: str, ends: tuple[int, int]) -> None:
    first, last = days_of_period(text)
    assert (first.day, last.day) == ends


@pytest.mark.parametrize("text", ["2026-13", "2026", "2026-02-30", "2026-02-03..2026-02-01", "", "x"])
def test_what_is_no_period_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        days_of_period(text)
