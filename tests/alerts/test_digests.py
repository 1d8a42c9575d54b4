"""What a digest counts, asked of the database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import orjson

from app.domain.alert_delivery import CountDigest
from app.domain.alert_records import DigestCounted, DigestLine
from app.domain.streams import ALERTS_COMMANDS
from app.effects.digest_count import DigestCounts
from app.effects.kind import Attempt
from app.store.pool import open_pool

SINCE = datetime(2026, 11, 20, 6, tzinfo=UTC)
UNTIL = SINCE + timedelta(days=1)
MISMATCH = """
INSERT INTO mismatches (id, leg, category, severity, status, detected_at, due_at, explanation, owner_topic,
                        owner_key, state, version)
VALUES ($1, 'A', $2, $3, $4, $5, $5, '{}', 't', 'k', $6, 1)"""
ROWS = [
    ("LATE", "LOW", "open", SINCE - timedelta(days=30), None),
    ("LATE", "LOW", "open", SINCE, None),
    ("LATE", "LOW", "assigned", UNTIL - timedelta(seconds=1), None),
    ("LATE", "LOW", "open", UNTIL, None),  # the next one's
    ("LATE", "LOW", "auto_resolved", SINCE - timedelta(days=2), SINCE + timedelta(hours=1)),
    ("LATE", "LOW", "resolved", SINCE - timedelta(days=2), SINCE - timedelta(hours=1)),
    ("AMOUNT_UNDER", "CRITICAL", "written_off", SINCE + timedelta(hours=1), SINCE + timedelta(hours=2)),
    ("AMOUNT_OVER", "HIGH", "resolved", SINCE - timedelta(days=5), SINCE - timedelta(days=4)),
]


async def test_a_digest_counts_what_opened_was_resolved_and_is_open(database: str) -> None:
    pool = await open_pool(database, 1, "tests")
    try:
        for number, (category, severity, status, detected_at, closed_at) in enumerate(ROWS):
            state = orjson.dumps({} if closed_at is None else {"closed_at": closed_at}).decode()
            await pool.execute(MISMATCH, f"mm_{number}", category, severity, status, detected_at, state)
        work = CountDigest(digest="daily", day="2026-11-21", since=SINCE, until=UNTIL)
        outcome = await DigestCounts(pool).perform(
            Attempt(
                effect_id="digest/daily/2026-11-21",
                target="alert:digests",
                object="",
                seq=0,
                number=1,
                work=work,
                requested_at=UNTIL,
            )
        )
    finally:
        await pool.close()
    (answer,) = outcome.answers
    assert (outcome.outcome, answer.topic, answer.key) == ("done", ALERTS_COMMANDS, "platform")
    assert isinstance(answer.record, DigestCounted)
    assert answer.record.lines == (
        DigestLine(severity="CRITICAL", category="AMOUNT_UNDER", opened=1, resolved=1),
        DigestLine(severity="LOW", category="LATE", opened=2, resolved=1, open=3),
    )
