"""What `verify` asks of effects: nothing that was asked of the outside may be without a way on."""

from __future__ import annotations

from typing import Any, Final

EXAMPLES: Final = 5


async def effects_query(connection: Any) -> tuple[dict[str, Any], list[str]]:
    """(figures, problems). Only open ones are looked at: a small index holds nothing else."""
    row = await connection.fetchrow(EFFECTS, EXAMPLES)
    figures = {name: int(row[name]) for name in ("ready", "waiting", "dead")}
    problems = [f"effect {text} waits, but no timer will wake it" for text in row["stuck"] or ()]
    problems += [f"timer {text} would wake an effect that does not wait" for text in row["idle"] or ()]
    return figures, problems


EFFECTS: Final = """
WITH waiting AS ( -- the timer of a long id has a subject that begins like it (app/domain/effect.py)
    SELECT target, id, left(id, 120) AS head FROM effects WHERE status = 'waiting'
), due AS (
    SELECT key, subject, left(subject, 120) AS head FROM timers
     WHERE topic = 'effects.requests' AND kind = 'effect.due'
), stuck AS (
    SELECT w.target || ' ' || w.id AS what FROM waiting w
     WHERE NOT EXISTS (SELECT FROM due d WHERE d.key = w.target AND d.head = w.head)
), idle AS (
    SELECT d.key || ' ' || d.subject AS what FROM due d
     WHERE NOT EXISTS (SELECT FROM waiting w WHERE d.key = w.target AND d.head = w.head)
)
SELECT (SELECT count(*) FROM effects WHERE status = 'ready') AS ready,
       (SELECT count(*) FROM waiting) AS waiting,
       (SELECT count(*) FROM effects WHERE status = 'dead') AS dead,
       (SELECT (array_agg(what))[1:$1] FROM stuck) AS stuck,
       (SELECT (array_agg(what))[1:$1] FROM idle) AS idle"""
