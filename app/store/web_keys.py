"""API keys: rows of `api_keys`. Only keyed hashes are here; the keys themselves are nowhere."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple


class StoredKey(NamedTuple):
    """`merchant_id` is set exactly where `role` is `merchant`."""

    id: str
    hash: bytes
    role: str
    merchant_id: str | None
    created_at: datetime
    revoked_at: datetime | None


COLUMNS = "id, key_hash AS hash, role, merchant_id, created_at, revoked_at"


async def find_key(pool: Any, key_id: str) -> StoredKey | None:
    row = await pool.fetchrow(f"SELECT {COLUMNS} FROM api_keys WHERE id = $1", key_id)
    return StoredKey(**row) if row else None


async def list_keys(pool: Any) -> list[StoredKey]:
    """All of them, oldest first."""
    rows = await pool.fetch(f"SELECT {COLUMNS} FROM api_keys ORDER BY created_at, id")
    return [StoredKey(**row) for row in rows]


async def add_key(pool: Any, key_id: str, key_hash: bytes, role: str, merchant_id: str | None) -> None:
    await pool.execute(
        "INSERT INTO api_keys (id, key_hash, role, merchant_id) VALUES ($1, $2, $3, $4)",
        key_id,
        key_hash,
        role,
        merchant_id,
    )


async def revoke_key(pool: Any, key_id: str) -> bool:
    """Takes effect with the next request. False: there is no such key; revoking twice changes nothing."""
    found = await pool.fetchval(
        "UPDATE api_keys SET revoked_at = coalesce(revoked_at, now()) WHERE id = $1 RETURNING true", key_id
    )
    return bool(found)
