"""A pool on a fresh database, and the lanes on it without Kafka."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from typing import Any

import pytest

from app.domain.commands import PaymentRecord, PlatformConfigure
from app.domain.configuration import FeePlan, PspConfiguration, SourceConfiguration
from app.domain.settlement import LineRecorded
from app.domain.streams import BANKING_COMMANDS, MATCHING_COMMANDS, PAYMENTS_COMMANDS, RECONCILIATION_COMMANDS
from app.kafka.outgoing import Outgoing
from app.store.pool import open_pool
from tests.effects.conftest import live, workers
from tests.support.runs_world import RunsWorld, outgoing

__all__ = ["live", "workers"]
LANES = (PAYMENTS_COMMANDS, MATCHING_COMMANDS, BANKING_COMMANDS, RECONCILIATION_COMMANDS)
PLATFORM = PlatformConfigure(
    id="p-1",
    psps={"stripe": PspConfiguration(fee_plan=FeePlan(bps=100))},
    sources={"acq": SourceConfiguration(psp="stripe", payment_window_seconds=60)},
)


@pytest.fixture
async def pool(database: str) -> AsyncIterator[Any]:
    pool = await open_pool(database, 5, "tests")
    yield pool
    await pool.close()


@pytest.fixture
async def world(pool: Any) -> RunsWorld:
    """Three payments of 20 November: one settled exactly, one with a fee that is 2 too high, one not yet."""
    world = RunsWorld(pool, LANES)
    at = datetime(2026, 11, 20, 9, tzinfo=UTC)
    for topic in LANES:
        await world.take([outgoing(topic, "platform", PLATFORM)], at)
    for number in (1, 2, 3):
        await world.take([payment(number, at)], at)
    later = datetime(2026, 11, 21, 9, tzinfo=UTC)
    await world.take([line(1, fee=100), line(2, fee=102)], later)
    return world


def payment(number: int, on: datetime, **more: Any) -> Outgoing:
    record = PaymentRecord(
        id=f"c{number}",
        merchant_id="m-1",
        payment_id=f"pay-{number}",
        amount=10_000,
        currency="EUR",
        psp="stripe",
        psp_payment_id=f"pi_{number}",
        occurred_at=on,
        **more,
    )
    return outgoing(PAYMENTS_COMMANDS, "m-1", record)


def line(number: int, fee: int, gross: int = 10_000) -> Outgoing:
    record = LineRecorded(
        id=f"acq/L{number}",
        source="acq",
        psp="stripe",
        batch_id="B1",
        line_id=f"L{number}",
        kind="capture",
        psp_payment_id=f"pi_{number}",
        currency="EUR",
        gross=gross,
        fee=fee,
        settle_currency="EUR",
        net=gross - fee,
        booked_on=date(2026, 11, 21),
    )
    return outgoing(MATCHING_COMMANDS, f"stripe:pi_{number}", record)
