"""Dead letters as operators see them. An id is `topic:partition:offset`."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import msgspec

from app.errors import ConfigurationError
from app.store.errors import translated


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """A record that could not be decided; `payload` and `key` are the bytes that came."""

    id: str
    topic: str
    partition: int
    offset: int
    reason: str
    payload: bytes
    key: bytes | None
    status: str
    created_at: datetime
    redriven_at: datetime | None


async def list_dead_letters(
    pool: Any, *, topic: str | None = None, status: str | None = "new", limit: int = 50
) -> list[DeadLetter]:
    """Newest first; None: any. Raises Transient."""
    with translated():
        rows = await pool.fetch(LIST, topic, status, limit)
    return [DeadLetter(**dict(row)) for row in rows]


async def find_dead_letter(pool: Any, letter_id: str) -> DeadLetter:
    """Raises ConfigurationError where there is none."""
    with translated():
        row = await pool.fetchrow(FIND, letter_id)
    if row is None:
        raise ConfigurationError(
            f"there is no dead letter {letter_id!r}; ids look like payments.commands:3:1234"
        )
    return DeadLetter(**dict(row))


async def mark_redriven(pool: Any, letter_id: str) -> None:
    """Called after the broker has acknowledged the copy: twice redriven is better than never."""
    with translated():
        await pool.execute(REDRIVEN, letter_id)


COLUMNS: Final = (
    'id, topic, partition, "offset", reason, payload, key, status, created_at, redriven_at FROM dead_letters'
)
LIST: Final = f"""
SELECT {COLUMNS}
 WHERE ($1::text IS NULL OR topic = $1) AND ($2::text IS NULL OR status = $2)
 ORDER BY created_at DESC, id LIMIT $3"""
FIND: Final = f"SELECT {COLUMNS} WHERE id = $1"
REDRIVEN: Final = "UPDATE dead_letters SET status = 'redriven', redriven_at = now() WHERE id = $1"
