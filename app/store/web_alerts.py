"""What people were told, for the page, the API and the command line: alerts, and what came of deliveries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from app.domain.alert import Alert
from app.domain.alert_delivery import alert_target
from app.domain.streams import ALERTS_COMMANDS
from app.store.errors import translated

PAGE: Final = """
SELECT key AS lane, id, state::text AS state FROM alerts
 WHERE state ->> 'told_at' IS NOT NULL
   AND ($1::text IS NULL OR ((state ->> 'told_at') COLLATE "C", id) < ($1, $2))
   AND ($3::boolean IS NULL OR coalesce((state ->> 'closed')::boolean, false) = $3)
   AND ($4::text IS NULL OR state -> 'key' ->> 'severity' = $4)
   AND ($5::text IS NULL OR state -> 'key' ->> 'kind' = $5)
 ORDER BY (state ->> 'told_at') COLLATE "C" DESC, id DESC LIMIT $6"""
ONE: Final = "SELECT key AS lane, id, state::text AS state FROM alerts WHERE id = $1 ORDER BY key"
DELIVERIES: Final = """
SELECT e.id, e.target, e.status, e.attempts, e.reason
  FROM unnest($1::text[], $2::text[]) w(id, target) JOIN effects e ON e.id = w.id AND e.target = w.target"""
REFUSAL: Final = """
SELECT reason FROM record_keys WHERE topic = $1 AND key = $2 AND id = $3 AND outcome = 'refused'"""
_ALERT: Final = msgspec.json.Decoder(Alert)


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """Of one message to one channel. `asked`: the effects lane has not decided on it yet."""

    number: int
    channel: str
    status: str
    attempts: int
    reason: str | None


class AlertRow(msgspec.Struct, frozen=True, kw_only=True):
    """An alert with the deliveries of the messages that it remembers, newest first."""

    lane: str
    alert: Alert
    deliveries: list[Delivery]


async def list_alerts(
    pool: Any,
    *,
    limit: int,
    before: tuple[str, str] | None = None,
    closed: bool | None = None,
    severity: str | None = None,
    kind: str | None = None,
) -> list[AlertRow]:
    """What was told last comes first, to the second; `before`: (told_at, id) of the last one seen.

    Raises Transient.
    """
    told_at, alert_id = before or (None, None)
    with translated():
        rows = await pool.fetch(PAGE, told_at, alert_id, closed, severity, kind, limit)
        return await _with_deliveries(pool, rows)


async def find_alerts(pool: Any, alert_id: str) -> list[AlertRow]:
    """One, or none. Raises Transient."""
    with translated():
        return await _with_deliveries(pool, await pool.fetch(ONE, alert_id))


async def refusal_of(pool: Any, lane: str, record_id: str) -> str | None:
    """Why the alerts lane has refused this record; None where it has not. Raises Transient."""
    with translated():
        reason: str | None = await pool.fetchval(REFUSAL, ALERTS_COMMANDS, lane, record_id)
    return reason


async def _with_deliveries(pool: Any, rows: Sequence[Any]) -> list[AlertRow]:
    alerts = [(row["lane"], _ALERT.decode(row["state"])) for row in rows]
    wanted = [
        (f"{alert.id}.{told.number}/{channel}", alert_target(channel))
        for _, alert in alerts
        for told in alert.messages
        for channel in told.channels
    ]
    ids, targets = [each[0] for each in wanted], [each[1] for each in wanted]
    found = {row["id"]: row for row in await pool.fetch(DELIVERIES, ids, targets)} if wanted else {}
    return [AlertRow(lane=lane, alert=alert, deliveries=_deliveries(alert, found)) for lane, alert in alerts]


def _deliveries(alert: Alert, found: dict[str, Any]) -> list[Delivery]:
    made = []
    for told in reversed(alert.messages):
        for channel in told.channels:
            row = found.get(f"{alert.id}.{told.number}/{channel}")
            made.append(
                Delivery(
                    number=told.number,
                    channel=channel,
                    status=row["status"] if row else "asked",
                    attempts=row["attempts"] if row else 0,
                    reason=row["reason"] if row else None,
                )
            )
    return made
