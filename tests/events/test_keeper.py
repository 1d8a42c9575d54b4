"""The keeper of events: each event once, whatever is away, whoever else writes, whatever cannot be read."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

import app.events_keeper as keeping
from app.contracts.codec import encode
from app.domain.event_base import Event
from app.domain.webhook_fanout import subject_of
from app.errors import Transient
from app.events_keeper import MOST_ROWS, EventsKeeper, row_of
from tests.contracts.samples import FULL
from tests.support.commits import NOW
from tests.support.events_log import Log, Table
from tests.support.waiting import eventually

EVENTS = [one for one in FULL if isinstance(one, Event) and hasattr(one, "merchant_id")]


def event(number: int, **changed: Any) -> bytes:
    fields = {"id": f"e-{number}", "seq": number, "type": "t", "merchant_id": "m-1", "occurred_at": NOW}
    return msgspec.json.encode({**fields, "payment_id": "pay-1", **changed})


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def table() -> Table:
    return Table()


@pytest.fixture
async def keeper(log: Log, table: Table, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[EventsKeeper]:
    """At work, owning nothing yet."""
    monkeypatch.setattr(keeping, "PAUSE_SECONDS", 0.01)
    keeper = EventsKeeper(log.tail, table)
    task = asyncio.create_task(keeper.run())
    yield keeper
    assert not task.done()
    task.cancel()
    await asyncio.wait([task])
    assert log.open == 0


async def until_kept(log: Log, table: Table, *partitions: int) -> None:
    await eventually(
        lambda: all(table.at.get(one) == len(log.records[one]) for one in partitions), 5, "events to be kept"
    )


async def test_it_keeps_what_comes_in_the_partitions_it_has(
    log: Log, table: Table, keeper: EventsKeeper
) -> None:
    for partition in log.records:
        for number in range(3):
            log.append(partition, event(10 * partition + number), NOW)
    keeper.assigned([2, 0])
    await until_kept(log, table, 0, 2)
    assert sorted(table.rows) == ["e-0", "e-1", "e-2", "e-20", "e-21", "e-22"]
    keeper.assigned([1])
    await until_kept(log, table, 1)
    log.append(0, event(99), NOW)
    log.append(1, event(13), NOW)
    await until_kept(log, table, 1)
    assert "e-13" in table.rows
    assert "e-99" not in table.rows
    assert log.opened == [(0, 2), (1,)]


async def test_without_partitions_it_asks_nobody(log: Log, keeper: EventsKeeper) -> None:
    keeper.assigned([0])
    await eventually(lambda: log.open == 1, 5, "a tail")
    keeper.assigned([])
    await eventually(lambda: log.open == 0, 5, "the tail to be closed")
    assert len(log.opened) == 1


async def test_an_event_twice_in_the_log_is_kept_once(log: Log, table: Table, keeper: EventsKeeper) -> None:
    for number in (1, 2, 1, 2, 3):
        log.append(0, event(number), NOW)
    keeper.assigned([0])
    await until_kept(log, table, 0)
    assert sorted(table.rows) == ["e-1", "e-2", "e-3"]
    assert (table.rows["e-2"].offset, table.lost) == (1, 0)


async def test_batches_are_bounded(log: Log, table: Table, keeper: EventsKeeper) -> None:
    for number in range(2 * MOST_ROWS + 1):
        log.append(0, event(number), NOW)
    keeper.assigned([0])
    await until_kept(log, table, 0)
    assert table.batches == [MOST_ROWS, MOST_ROWS, 1]


async def test_whatever_is_away_it_goes_on_where_it_stood(
    log: Log, table: Table, keeper: EventsKeeper, caplog: pytest.LogCaptureFixture
) -> None:
    log.append(0, event(0), NOW)
    keeper.assigned([0])
    await until_kept(log, table, 0)
    for faulty in (log, table):
        faulty.failing = Transient("away")
        log.append(0, event(len(log.records[0])), NOW)
        caplog.clear()
        await eventually(lambda: "stands still: away" in caplog.text, 5, "a warning")
        faulty.failing = None
        await until_kept(log, table, 0)
    assert sorted(table.rows) == ["e-0", "e-1", "e-2"]


async def test_another_worker_that_writes_as_well_doubles_nothing(
    log: Log, table: Table, keeper: EventsKeeper
) -> None:
    log.append(0, event(0), NOW)
    keeper.assigned([0])
    await until_kept(log, table, 0)
    table.at[0] = 2  # as if the other had kept the next one
    log.append(0, event(1), NOW)
    log.append(0, event(2), NOW)
    await until_kept(log, table, 0)
    assert sorted(table.rows) == ["e-0", "e-2"]


async def test_what_the_log_no_longer_holds_is_said_and_counted(
    log: Log, table: Table, keeper: EventsKeeper, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(5):
        log.append(0, event(number), NOW)
    log.begins[0] = 3
    keeper.assigned([0])
    await until_kept(log, table, 0)
    assert (sorted(table.rows), table.lost) == (["e-3", "e-4"], 3)
    assert "no longer holds the offsets from 0 to 2" in caplog.text
    assert any(record.levelno == logging.ERROR for record in caplog.records)


async def test_a_log_that_ends_before_the_position_is_waited_for(
    log: Log, table: Table, keeper: EventsKeeper, caplog: pytest.LogCaptureFixture
) -> None:
    """As a broker may say for a moment after its start: nothing is skipped or read again."""
    table.at[0] = 2
    log.append(0, event(0), NOW)
    keeper.assigned([0])
    await eventually(lambda: "stands still" in caplog.text, 5, "a warning")
    assert table.at[0] == 2
    log.append(0, event(1), NOW)
    log.append(0, event(2), NOW)
    await until_kept(log, table, 0)
    assert (sorted(table.rows), table.lost) == (["e-2"], 0)


async def test_what_nobody_can_read_or_keep_stops_nothing(
    log: Log, table: Table, keeper: EventsKeeper, caplog: pytest.LogCaptureFixture
) -> None:
    values = [event(0), b"{", None, event(1, type="refused"), event(2), b"\xff", event(3, seq="x"), event(4)]
    for value in values:
        log.append(0, value, NOW)
    keeper.assigned([0])
    await until_kept(log, table, 0)
    assert (sorted(table.rows), table.lost) == (["e-0", "e-2", "e-4"], 5)
    assert "event 'e-1' is missing from the list: a value" in caplog.text
    assert caplog.text.count("is no event") == 4


@pytest.mark.parametrize("told", EVENTS, ids=lambda told: type(told).__name__)
def test_every_event_has_the_subject_that_webhooks_name(told: Any) -> None:
    log = Log()
    log.append(0, encode(told), NOW)
    row = row_of(log.records[0][0])
    assert row is not None
    assert (row.id, row.seq, row.type) == (told.id, told.seq, type(told).__struct_config__.tag)
    assert (row.merchant_id, row.payment_id) == (told.merchant_id, getattr(told, "payment_id", None))
    assert (row.subject, row.occurred_at, row.created_at) == (subject_of(told), told.occurred_at, NOW)
    assert row.body.encode() == encode(told)


def test_there_are_events_of_every_kind() -> None:
    assert {row.partition("/")[0] for row in map(subject_of, EVENTS)} == {
        "payment", "payout", "request", "merchant",
    }  # fmt: skip
