"""Documents: each collection has its struct and its table, and a lane's commit writes both or nothing."""

from __future__ import annotations

import asyncpg
import pytest

from app.errors import Stale
from app.store.collections import COLLECTIONS
from app.store.pool import open_pool
from app.store.postgres import PostgresStore
from tests.support.commits import DOCUMENT, LANE, Note, change, commit
from tests.support.databases import OWN_COLLECTION

PARTITIONS = """
SELECT substring(pg_get_expr(c.relpartbound, c.oid) FROM '''(.*)''') FROM pg_class c
 WHERE c.relispartition AND c.relkind = 'r'
   AND c.oid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = 'documents'::regclass)"""


async def test_every_collection_has_a_table_and_every_table_a_collection(database: str) -> None:
    connection = await asyncpg.connect(database)
    try:
        found = {row[0] for row in await connection.fetch(PARTITIONS)}
    finally:
        await connection.close()
    assert found == {*COLLECTIONS, OWN_COLLECTION}


async def test_a_document_knows_its_lane_and_is_refused_where_it_was_changed(database: str) -> None:
    pool = await open_pool(database, 2, "tests")
    store = PostgresStore(pool)
    await store.position(LANE)
    await store.commit(commit(0, state={DOCUMENT: change(Note("first"), 0)}))
    await store.commit(commit(1, state={DOCUMENT: change(Note("second"), 1, 0)}))
    with pytest.raises(Stale):
        await store.commit(commit(2, state={DOCUMENT: change(Note("third"), 2, 0)}))
    row = await pool.fetchrow("SELECT topic, partition, state->>'text' FROM documents_of_tests")
    await pool.close()
    assert tuple(row) == (*LANE, "second")
