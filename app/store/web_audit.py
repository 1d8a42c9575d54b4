"""The audit for the web: a mismatch's chain, and everything that people did, newest first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from app.domain.audit import AuditEntry, hash_of

CHAIN: Final = """
SELECT state::text FROM audit
 WHERE collection = 'audit' AND id > $1::text || '/' AND id < $1::text || '0' ORDER BY id
"""
"""`0` is the character after `/`."""
LATEST: Final = """
SELECT state::text FROM audit
 WHERE collection = 'audit'
   AND ($1::text IS NULL OR (state ->> 'at', id) < ($1::text, $2::text))
   AND ($3::text IS NULL OR state ->> 'actor' = $3::text)
   AND ($4::text IS NULL OR state ->> 'action' = $4::text)
 ORDER BY state ->> 'at' DESC, id DESC LIMIT $5
"""
_decode: Final = msgspec.json.Decoder(AuditEntry).decode


def entry_id(entry: AuditEntry) -> str:
    return f"{entry.mismatch_id}/{entry.seq:06}"


def entry_time(moment: datetime) -> str:
    """As the entries have it, for comparing texts."""
    text: str = msgspec.to_builtins(moment)
    return text


async def read_chain(pool: Any, mismatch_id: str) -> list[AuditEntry]:
    """In the order of the actions."""
    return [_decode(row[0]) for row in await pool.fetch(CHAIN, mismatch_id)]


async def read_latest(
    pool: Any, limit: int, after: tuple[str, str] | None, actor: str | None, action: str | None
) -> list[AuditEntry]:
    """`after`: (time, id) of the last entry of the page before."""
    rows = await pool.fetch(LATEST, *(after or (None, None)), actor, action, limit)
    return [_decode(row[0]) for row in rows]


def first_broken(chain: Sequence[AuditEntry]) -> int | None:
    """Number of the first entry whose hash is not that of its content; None where all are."""
    return next((entry.seq for entry in chain if hash_of(entry) != entry.hash), None)
