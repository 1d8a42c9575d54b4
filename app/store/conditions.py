"""How the program itself does, as operators want to be told: figures above their thresholds, in one look."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from app.contracts.codec import REASONS
from app.domain.alert import Alert
from app.domain.alert_rules import OperatorThresholds
from app.domain.configuration import Platform
from app.domain.streams import ALERTS_COMMANDS
from app.store.errors import translated

LOCK: Final = 7_240_019
"""Advisory: one worker looks at a time."""
ERRORS_MINUTES: Final = 15
GONE_MINUTES: Final = 60
"""A worker that is silent for so long was taken away on purpose, or the others have told of it long ago."""

DEAD_LETTERS: Final = """
SELECT topic AS subject, count(*)::bigint AS value, '' AS detail
  FROM dead_letters WHERE status = 'new' GROUP BY topic HAVING count(*) > $1"""
VALIDATION_ERRORS: Final = f"""
SELECT '' AS subject, count(*)::bigint AS value, '' AS detail FROM dead_letters
 WHERE created_at >= clock_timestamp() - interval '{ERRORS_MINUTES} minutes'
   AND split_part(reason, ':', 1) = ANY ($2::text[]) HAVING count(*) > $1"""
HALTED: Final = """
SELECT topic || ':' || partition AS subject, 1::bigint AS value, coalesce(halted_reason, '') AS detail
  FROM positions WHERE halted_at IS NOT NULL"""
EXHAUSTED: Final = """
SELECT CASE WHEN target LIKE 'alert:%' THEN target ELSE split_part(target, ':', 1) END AS subject,
       count(*)::bigint AS value, max(reason) AS detail
  FROM effects WHERE status = 'dead' GROUP BY 1 HAVING count(*) > $1"""
VERIFY: Final = """
SELECT '' AS subject, 1::bigint AS value, 'verified at ' || finished_at AS detail
  FROM (SELECT * FROM verify_runs ORDER BY id DESC LIMIT 1) last WHERE NOT ok"""
LAG: Final = """
WITH late AS (
    SELECT topic || ':' || partition AS lane FROM outbox
     WHERE created_at < clock_timestamp() - make_interval(secs => $1)
    UNION
    SELECT topic || ':' || partition FROM timers
     WHERE due_at < clock_timestamp() - make_interval(secs => $1 + 60)
    UNION
    SELECT f.lane FROM workers w CROSS JOIN jsonb_each(w.figures) f(lane, figures)
      JOIN positions p ON p.topic || ':' || p.partition = f.lane
     WHERE (f.figures ->> 'lag')::bigint > 0 AND w.seen_at > clock_timestamp() - interval '10 seconds'
       AND p.updated_at < clock_timestamp() - make_interval(secs => $1))
SELECT '' AS subject, count(*)::bigint AS value, string_agg(lane, ', ' ORDER BY lane) AS detail
  FROM late HAVING count(*) > 0"""
SILENT: Final = f"""
SELECT worker_id AS subject, 1::bigint AS value, 'last seen at ' || seen_at AS detail FROM workers
 WHERE seen_at < clock_timestamp() - make_interval(secs => $1)
   AND seen_at > clock_timestamp() - interval '{GONE_MINUTES} minutes'"""
TOLD: Final = """
SELECT state::text FROM alerts WHERE state -> 'key' ->> 'kind' = 'condition'"""
CONFIGURED: Final = "SELECT state::text FROM platform WHERE topic = $1 ORDER BY version DESC LIMIT 1"
_PLATFORM: Final = msgspec.json.Decoder(Platform)
_ALERT: Final = msgspec.json.Decoder(Alert)


class Condition(msgspec.Struct, frozen=True):
    """A figure above its threshold now."""

    name: str
    subject: str
    value: int
    detail: str


class Look(msgspec.Struct, frozen=True):
    """`failing` now, and as the alerts lane has `told` of: (name, subject) -> alert."""

    failing: Mapping[tuple[str, str], Condition]
    told: Mapping[tuple[str, str], Alert]
    platform: Platform | None


async def answers(pool: Any) -> None:
    """Raises Transient where the database cannot be reached."""
    with translated():
        await pool.fetchval("SELECT 1")


async def look(pool: Any) -> Look | None:
    """None while another worker looks. Raises Transient."""
    with translated():
        async with pool.acquire() as connection, connection.transaction():
            if not await connection.fetchval("SELECT pg_try_advisory_xact_lock($1)", LOCK):
                return None
            return await _look(connection)


async def _look(connection: Any) -> Look:
    state = await connection.fetchval(CONFIGURED, ALERTS_COMMANDS)
    platform = None if state is None else _PLATFORM.decode(state)
    if platform is None or platform.alerts is None:
        return Look({}, {}, platform)
    failing = await _failing(connection, platform.alerts.thresholds)
    alerts = [_ALERT.decode(row["state"]) for row in await connection.fetch(TOLD)]
    told = {(alert.key.category, alert.key.scope or ""): alert for alert in alerts}
    return Look({(one.name, one.subject): one for one in failing}, told, platform)


async def _failing(connection: Any, above: OperatorThresholds) -> list[Condition]:
    asked: tuple[tuple[str, str, tuple[Any, ...]], ...] = (
        ("dead_letters", DEAD_LETTERS, (above.dead_letters,)),
        ("validation_errors", VALIDATION_ERRORS, (above.validation_errors, list(REASONS))),
        ("halted_partition", HALTED, ()),
        ("attempts_exhausted", EXHAUSTED, (above.attempts_exhausted,)),
        ("verify_failed", VERIFY, ()),
        ("lag", LAG, (above.lag_seconds,)),
        ("silent_worker", SILENT, (above.silent_seconds,)),
    )
    return [
        Condition(name, row["subject"][:200], row["value"], (row["detail"] or "")[:1000])
        for name, statement, arguments in asked
        for row in await connection.fetch(statement, *arguments)
    ]
