"""Chains of the audit: whatever is done to one behind the guards' back, verify names the first bad link."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest
from msgspec.structs import replace

from app.domain.audit import GENESIS, AuditEntry, hash_of
from app.store.shapes import document
from app.store.verify_audit import audit_query
from tests.web.rows import mismatch

pytestmark = pytest.mark.asyncio(loop_scope="module")
AT = datetime(2026, 11, 20, 9, tzinfo=UTC)


def entry(seq: int, previous: str, **changed: Any) -> AuditEntry:
    fields: dict[str, Any] = {
        "mismatch_id": "mm_1", "seq": seq, "action": "comment", "from_status": "open", "to_status": "open",
        "actor": "key:a", "role": "analyst", "at": AT, "note": f"note {seq}", "before": {}, "after": {},
        "previous_hash": previous, **changed,
    }  # fmt: skip
    made = AuditEntry(**fields)
    return replace(made, hash=hash_of(made))


async def kept(pool: Any, count: int = 4) -> list[AuditEntry]:
    """A whole chain, and the mismatch that has its head."""
    chain: list[AuditEntry] = []
    for seq in range(1, count + 1):
        chain.append(entry(seq, chain[-1].hash if chain else GENESIS))
    await pool.executemany(INSERT, [_row(one) for one in chain])
    state = f'{{"audited":{count},"audit_hash":"{chain[-1].hash}"}}'
    await mismatch(pool, "mm_1", state=state)
    return chain


INSERT = """
INSERT INTO documents (collection, key, id, topic, partition, state, version)
VALUES ('audit', 'stripe:pi_1', $1, 'matching.commands', 0, $2, 1)"""


def _row(one: AuditEntry) -> tuple[str, str]:
    return f"{one.mismatch_id}/{one.seq:06}", document(one)


async def found(pool: Any) -> tuple[dict[str, Any], list[str]]:
    async with pool.acquire() as connection, connection.transaction():
        return await audit_query(connection)


async def forge(pool: Any, sql: str, *arguments: Any) -> None:
    """As an owner of the database may."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("ALTER TABLE audit DISABLE TRIGGER USER")
        await connection.execute(sql, *arguments)
        await connection.execute("ALTER TABLE audit ENABLE ALWAYS TRIGGER audit_append_only")
        await connection.execute("ALTER TABLE audit ENABLE ALWAYS TRIGGER audit_rows_append_only")


async def test_a_whole_chain_is_whole(books: Any) -> None:
    await kept(books)
    assert await found(books) == ({"chains": 1, "entries": 4}, [])


@pytest.mark.parametrize(
    ("sql", "problem"),
    [
        ("UPDATE audit SET state = replace(state::text, 'note 2', 'note 9')::json WHERE id LIKE '%2'",
         "mm_1/000002 is not what its hash was made of"),
        ("DELETE FROM audit WHERE id = 'mm_1/000002'", "mm_1/000003 follows number 1"),
        ("DELETE FROM audit WHERE id = 'mm_1/000004'", "mm_1/000003 is its last entry, not number 4"),
        ("DELETE FROM audit", "mismatch mm_1 has 4 audit entries, and the first is gone"),
        ("UPDATE audit SET id = 'mm_1/000005' WHERE id = 'mm_1/000004'", "mm_1/000005 follows number 3"),
    ],
)  # fmt: skip
async def test_the_first_bad_link_is_named(books: Any, sql: str, problem: str) -> None:
    await kept(books)
    await forge(books, sql)
    _, problems = await found(books)
    assert [text.removeprefix("audit entry ") for text in problems] == [problem]


async def test_an_entry_that_was_made_anew_breaks_the_next_one(books: Any) -> None:
    chain = await kept(books)
    forged = entry(2, chain[0].hash, note="something else")
    await forge(books, "UPDATE audit SET state = $1::json WHERE id = 'mm_1/000002'", document(forged))
    _, problems = await found(books)
    assert problems == ["audit entry mm_1/000003 does not name the hash of the one before"]


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE audit SET version = 2",
        "UPDATE documents SET version = 2 WHERE collection = 'audit'",
        "DELETE FROM audit",
        "DELETE FROM documents",
        "TRUNCATE audit",
        "TRUNCATE documents",
    ],
)
async def test_the_table_refuses_every_change(books: Any, sql: str) -> None:
    await kept(books)
    with pytest.raises(asyncpg.PostgresError, match="append-only"):
        await books.execute(sql)
