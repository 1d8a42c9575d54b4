"""People and their sessions: rows of `people` and `sessions`. Of a token only a keyed hash is here."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, NamedTuple

KEPT_DAYS: Final = 90
"""Sessions that are over stay so long, for whoever asks who was signed in."""
SEEN_EVERY_SECONDS: Final = 60
"""That a session was used is noted so often: not a write per request."""


class StoredSession(NamedTuple):
    """`is_live`: neither ended nor expired, by the database's clock. `is_due`: to be noted as seen."""

    id: str
    token_hash: bytes
    person_id: str
    name: str
    role: str
    is_live: bool
    is_due: bool


class ListedSession(NamedTuple):
    id: str
    person_id: str
    name: str
    role: str
    created_at: datetime
    seen_at: datetime
    address: str
    state: str
    """`live`, `idle`, `expired`, or why it ended."""


class NewSession(NamedTuple):
    """`sign_in`: hash of what began it; `ends`: a session that this one takes the place of."""

    id: str
    token_hash: bytes
    sign_in: bytes
    issuer: str
    subject: str
    person_id: str
    name: str
    role: str
    address: str
    agent: str
    ends: str | None


FIND: Final = f"""
SELECT s.id, s.token_hash, s.person_id, p.name, s.role,
       s.ended_at IS NULL AND s.expires_at > now()
           AND s.seen_at > now() - make_interval(secs => $2) AS is_live,
       s.seen_at < now() - interval '{SEEN_EVERY_SECONDS} seconds' AS is_due
  FROM sessions s JOIN people p ON p.id = s.person_id WHERE s.id = $1
"""
SEEN: Final = "UPDATE sessions SET seen_at = now() WHERE id = $1 AND ended_at IS NULL"
PERSON: Final = """
INSERT INTO people (id, issuer, subject, name, role) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (id) DO UPDATE SET name = $4, role = $5, last_at = now()
"""
SESSION: Final = """
INSERT INTO sessions (id, token_hash, sign_in, person_id, role, expires_at, address, agent)
VALUES ($1, $2, $3, $4, $5, now() + make_interval(secs => $6), $7, $8)
ON CONFLICT (sign_in) DO NOTHING RETURNING true
"""
END: Final = """
UPDATE sessions SET ended_at = now(), ended_because = $2
 WHERE {which} AND ended_at IS NULL RETURNING id
"""
LIST: Final = """
SELECT s.id, s.person_id, p.name, s.role, s.created_at, s.seen_at, s.address,
       CASE WHEN s.ended_at IS NOT NULL THEN s.ended_because
            WHEN s.expires_at <= now() THEN 'expired'
            WHEN s.seen_at <= now() - make_interval(secs => $1) THEN 'idle'
            ELSE 'live' END AS state
  FROM sessions s JOIN people p ON p.id = s.person_id ORDER BY s.created_at DESC LIMIT $2
"""


async def find_session(pool: Any, session_id: str, idle_seconds: float) -> StoredSession | None:
    row = await pool.fetchrow(FIND, session_id, float(idle_seconds))
    return StoredSession(**row) if row else None


async def seen(pool: Any, session_id: str) -> None:
    """Its person has used it just now, so that it stays for another while."""
    await pool.execute(SEEN, session_id)


async def add_session(pool: Any, new: NewSession, longest_seconds: float) -> bool:
    """False: this sign-in has made a session before; nothing is changed."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(PERSON, new.person_id, new.issuer, new.subject, new.name, new.role)
        made = await connection.fetchval(
            SESSION, new.id, new.token_hash, new.sign_in, new.person_id, new.role, float(longest_seconds),
            new.address, new.agent,
        )  # fmt: skip
        if not made:
            return False
        if new.ends is not None:
            await connection.execute(END.format(which="id = $1"), new.ends, "signed_in_again")
        await connection.execute(
            "DELETE FROM sessions WHERE expires_at < now() - make_interval(days => $1)", KEPT_DAYS
        )
    return True


async def end_session(pool: Any, session_id: str, because: str) -> bool:
    """Takes effect with the next request. False: there is no such session, or it had ended."""
    return bool(await pool.fetch(END.format(which="id = $1"), session_id, because))


async def end_sessions_of(pool: Any, person_id: str, because: str) -> int:
    """How many sessions of a person were ended now."""
    return len(await pool.fetch(END.format(which="person_id = $1"), person_id, because))


async def list_sessions(pool: Any, idle_seconds: float, limit: int) -> list[ListedSession]:
    """The newest first."""
    rows = await pool.fetch(LIST, float(idle_seconds), limit)
    return [ListedSession(**row) for row in rows]
