"""What operators are told of the program itself: found in the database, told once, and when it is over."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import asyncpg
import msgspec

from app.contracts.codec import encode
from app.domain.alert import Alert, AlertKey
from app.domain.alert_rules import AlertConfiguration
from app.domain.configuration import FeePlan, Platform
from app.domain.streams import ALERTS_COMMANDS
from app.lane.observer import changes
from app.store.conditions import Condition, Look, look
from app.store.pool import open_pool

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
CONFIGURED = msgspec.convert({"channels": {"ops": {"kind": "slack"}}}, AlertConfiguration)
PLATFORM = Platform(
    version=1,
    default_plan=FeePlan(),
    default_release_delay_days=2,
    release_delay_seconds=None,
    psps={},
    sources={},
    alerts=CONFIGURED,
)


def told(name: str, *, is_open: bool = True, count: int = 1) -> Alert:
    key = AlertKey(kind="condition", severity="CRITICAL", category=name)
    return Alert(id="al", key=key, open=int(is_open), opened=count, told=count, began_at=NOW)


def seen(failing: dict[str, int], *alerts: Alert) -> list[tuple[str, bool, int]]:
    conditions = {(name, ""): Condition(name, "", value, "") for name, value in failing.items()}
    known = {(alert.key.category, ""): alert for alert in alerts}
    return [(one.name, one.failing, one.value) for one in changes(Look(conditions, known, PLATFORM), NOW)]


def test_only_what_changes_is_said() -> None:
    assert seen({"lag": 3}) == [("lag", True, 3)]
    assert seen({"lag": 3}, told("lag")) == []
    assert seen({"lag": 10}, told("lag")) == [("lag", True, 10)]
    assert seen({}, told("lag")) == [("lag", False, 0)]
    assert seen({}, told("lag", is_open=False)) == []
    assert seen({"lag": 1}, told("lag", is_open=False)) == [("lag", True, 1)]


def test_without_alerts_nothing_is_said() -> None:
    failing = {("lag", ""): Condition("lag", "", 1, "")}
    assert list(changes(Look(failing, {}, msgspec.structs.replace(PLATFORM, alerts=None)), NOW)) == []


PLANTED = """
INSERT INTO platform (topic, partition, state, version) VALUES ('{topic}', 0, '{state}', 1);
INSERT INTO dead_letters (topic, partition, "offset", reason, payload)
SELECT 'payments.commands', 0, n, CASE WHEN n <= 25 THEN 'not_json: x' ELSE 'too_large: y' END, ''
  FROM generate_series(1, 30) n;
INSERT INTO positions (topic, partition, next_offset, halted_at, halted_reason)
VALUES ('matching.commands', 3, 7, now(), 'an invariant is broken') ON CONFLICT (topic, partition)
DO UPDATE SET halted_at = now(), halted_reason = 'an invariant is broken';
INSERT INTO effects (target, id, partition, "offset", kind, object, seq, status, attempts, reason, created_at,
                     deadline_at, state, version)
VALUES ('alert:ops', 'e1', 0, 1, 'alert.slack', '', 0, 'dead', 9, 'it answered 500', now(), now(), '{{}}', 1),
       ('psp:stripe/1', 'e2', 0, 2, 'psp.call', '', 0, 'dead', 9, 'no answer', now(), now(), '{{}}', 1);
INSERT INTO verify_runs (started_at, finished_at, complete, ok, checks) VALUES (
    now(), now(), true, false, '[]');
INSERT INTO outbox (topic, partition, first_offset, payload, created_at)
VALUES ('banking.commands', 2, 5, 'x', now() - interval '10 minutes');
INSERT INTO workers (worker_id, host, pid, started_at, seen_at, rss_bytes, lanes, figures)
VALUES ('w-1', 'h', 1, now(), now() - interval '5 minutes', 1, '{{}}', '{{}}'),
       ('w-2', 'h', 1, now(), now(), 1, '{{}}', '{{"executor": {{"running": 0}}}}');
"""


async def test_each_condition_is_found_in_the_database(database: str) -> None:
    connection = await asyncpg.connect(database)
    await connection.execute(
        PLANTED.format(topic=ALERTS_COMMANDS, state=encode(PLATFORM).decode().replace("'", "''"))
    )
    await connection.close()
    pool = await open_pool(database, 2, "tests")
    try:
        found: Any = await look(pool)
    finally:
        await pool.close()
    assert {key: one.value for key, one in found.failing.items()} == {
        ("dead_letters", "payments.commands"): 30,
        ("validation_errors", ""): 25,
        ("halted_partition", "matching.commands:3"): 1,
        ("attempts_exhausted", "alert:ops"): 1,
        ("attempts_exhausted", "psp"): 1,
        ("verify_failed", ""): 1,
        ("lag", ""): 1,
        ("silent_worker", "w-1"): 1,
    }
    assert found.failing["lag", ""].detail == "banking.commands:2"
    assert found.failing["halted_partition", "matching.commands:3"].detail == "an invariant is broken"


async def test_an_empty_database_is_well(database: str) -> None:
    pool = await open_pool(database, 1, "tests")
    try:
        assert await look(pool) == Look({}, {}, None)
    finally:
        await pool.close()
