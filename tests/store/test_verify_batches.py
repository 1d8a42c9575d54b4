"""`verify` holds each batch to zero, its window or an open mismatch; what was under way is asked again."""

from __future__ import annotations

from typing import Any

import pytest

from app.domain.bank_documents import Batch, Totals
from app.store import verify_clearing
from app.store.postgres import PostgresStore
from app.store.shapes import document
from app.store.verify import verify
from tests.store.test_verify import failed, impatient, store

__all__ = ["impatient", "store"]
pytestmark = pytest.mark.asyncio(loop_scope="module")

BATCH = """
INSERT INTO documents (collection, key, id, topic, partition, state, version)
VALUES ('batch', 'acc-1', 'acq/B1', 'banking.commands', 0, $1, 0)"""


@pytest.mark.parametrize(
    ("more", "holds"),
    [
        ({}, False),
        ({"confirmed": ()}, True),
        ({"due_ms": 5}, True),
        ({"received": {"EUR": {"K1": 97}}}, None),
    ],
    ids=["nothing", "confirmed", "in its window", "paid, and nothing in transit"],
)
async def test_a_batch_is_at_zero_in_its_window_or_open(
    dsn: str, store: PostgresStore, books: Any, more: dict[str, Any], holds: bool | None
) -> None:
    """What was received must also have left transit, so the last one fails elsewhere."""
    sums = {"EUR": Totals(count=1, gross=97, net=97)}
    batch = Batch(account="acc-1", source="acq", psp="stripe", batch_id="B1", sums=sums, quiet=True, **more)
    await books.execute(BATCH, document(batch))
    report = await verify(dsn, full=holds is None)
    loose = "batch acq/B1 at acc-1: 97 EUR of its net did not come"
    taken = "transit:acq:B1 EUR is 0, its lines' net less the bank's is -97"
    expected = {True: {}, False: {"clearing": [loose]}, None: {"clearing": [taken]}}
    assert failed(report) == expected[holds]


async def test_what_was_only_under_way_is_counted(dsn: str, store: PostgresStore, books: Any) -> None:
    """It is loose in the proof's snapshot, and no longer when it is asked again."""
    sums = {"EUR": Totals(count=1, gross=97, net=97)}
    batch = Batch(account="acc-1", source="acq", psp="stripe", batch_id="B1", sums=sums, quiet=True)
    await books.execute(BATCH, document(batch))
    async with books.acquire() as connection:
        _, problems = await verify_clearing.clearing_query(_WithProof(connection), False)
        await connection.execute("DELETE FROM documents WHERE collection = 'batch'")
        assert await verify_clearing.ask_again(connection, False, problems) == (1, [])


class _WithProof:
    """A connection that answers for splits as if there were none: their table is the proof's own."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def fetch(self, query: str) -> Any:
        return await self._connection.fetch(query)

    async def fetchrow(self, query: str) -> Any:
        if "split_transit" in query:
            return {"splits": 0, "under_way": 0, "loose": None}
        return await self._connection.fetchrow(query)
