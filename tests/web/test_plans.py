"""Reads that run often or page deeply go through an index, whatever grows: PostgreSQL's own plan says so."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.store import web_figures, web_reads
from app.store.mismatch_filters import MismatchFilter
from app.store.web_mismatches import Sort, page_query
from tests.web import rows


def page(sort: Sort, beyond: Sequence[Any] | None = None, **wanted: Any) -> tuple[str, list[Any]]:
    return page_query(MismatchFilter(**wanted), sort, beyond, 50)


PLANS: list[tuple[str, str, list[Any], str]] = [
    ("due timers", web_figures.LANES, [], "timers_due"),
    ("latest mismatches", web_figures.LATEST_MISMATCHES, [50], "mismatches_detected"),
    ("last verify", web_figures.VERIFY, [], "verify_runs_pkey"),
    ("next mismatches", *page("-detected_at", (rows.NOON, "a")), "mismatches_detected"),
    ("oldest mismatches", *page("detected_at", (rows.NOON, "a")), "mismatches_detected"),
    ("a merchant's mismatches", *page("-detected_at", merchant_id="m-1"), "mismatches_merchant"),
    (
        "next transactions",
        web_reads.TRANSACTIONS.format(conditions="number < $2"),
        [50, 7],
        "ledger_transactions_number",
    ),
    (
        "a merchant's transactions",
        web_reads.TRANSACTIONS.format(conditions="merchant_id = $2"),
        [50, "m-1"],
        "ledger_transactions_merchant",
    ),
    ("entries", web_reads.ENTRIES, [["a"]], "ledger_entries_pkey"),
    ("a payment", web_reads.PAYMENTS, ["pay-1", None, 20], "payments_pkey"),
    ("balances", web_reads.BALANCES, [["m_pend:m-1"]], "accounts_pkey"),
]


async def test_each_goes_through_its_index(pool: Any) -> None:
    await rows.positions(pool)
    async with pool.acquire() as connection, connection.transaction():
        # The tables are empty here, where a scan is always cheaper: only ask whether the index can be used.
        await connection.execute("SET LOCAL enable_seqscan = off")
        await connection.execute("SET LOCAL enable_bitmapscan = off")
        for name, query, arguments, index in PLANS:
            plan = "\n".join(row[0] for row in await connection.fetch(f"EXPLAIN {query}", *arguments))
            assert f"using {index} on" in plan, (name, plan)
            assert "Seq Scan on timers" not in plan, (name, plan)
