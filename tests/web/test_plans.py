"""Reads that run often or page deeply go through an index, whatever grows: PostgreSQL's own plan says so."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, get_args

import msgspec

from app.domain.mismatch import OPEN_STATUSES
from app.store import (
    web_detection,
    web_events,
    web_figures,
    web_lists,
    web_mismatches,
    web_reads,
    web_requests,
)
from app.store.mismatch_filters import MismatchFilter
from app.store.web_lists import After, PaymentRow, PayoutRow
from app.store.web_mismatches import Sort, page_query
from tests.web import rows
from web.mismatch_orders import KEYS

BEFORE = After(rows.NOON, "pay-1", "m-1")
PLACE = web_events.Place(rows.NOON, 0, 7)
OF_MERCHANT = {"merchant_id": "m-1"}
OPEN = MismatchFilter(statuses=OPEN_STATUSES)


def page(
    sort: Sort, beyond: Sequence[Any] | None = None, wanted: MismatchFilter | None = None, **more: Any
) -> tuple[str, list[Any]]:
    return page_query(wanted or MismatchFilter(**more), sort, beyond, 50)


PLANS: list[tuple[str, str, list[Any], str]] = [
    ("due timers", web_figures.LANES, [], "timers_due"),
    ("latest mismatches", web_figures.LATEST_MISMATCHES, [50], "mismatches_detected"),
    ("last verify", web_figures.VERIFY, [], "verify_runs_pkey"),
    ("next mismatches", *page("-detected_at", (rows.NOON, "a")), "mismatches_detected"),
    ("oldest mismatches", *page("detected_at", (rows.NOON, "a")), "mismatches_detected"),
    ("open mismatches", *page("-detected_at", (rows.NOON, "a"), OPEN), "mismatches_open_detected"),
    ("open, worst first", *page("severity", (3, rows.NOON, "a"), OPEN), "mismatches_open_severity"),
    ("open, largest first", *page("amount", (500, rows.NOON, "a"), OPEN), "mismatches_open_amount"),
    ("open, due first", *page("due_at", (rows.NOON, "a"), OPEN), "mismatches_open_due"),
    ("a payment's mismatches", *page("-detected_at", payment_id="p"), "mismatches_payment"),
    ("what changed a mismatch", web_mismatches.LAST_CHANGE, ["t", 0, 7], "batches_pkey"),
    ("times of detection, lately", web_detection.LATELY, [], "mismatches_detected"),
    ("what lines posted", web_mismatches.POSTED_BY_LINES, ["pi_1", "capture", "stripe"], "items_pkey"),
    ("times of detection", web_mismatches.DETECTED_AFTER, [["a"]], "mismatches_pkey"),
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
    ("a payment", *web_lists.find_query(PaymentRow, "pay-1", None, 20), "payments_pkey"),
    ("awaited payments", web_lists.keys_query(PaymentRow), [["m-1"], ["pay-1"]], "payments_pkey"),
    ("decisions", web_requests.DECISIONS, [["m-1"], ["rq_1"], [0], ["t"]], "record_keys_pkey"),
    ("payments", *web_lists.page_query(PaymentRow, 50, BEFORE, {}), "payments_created"),
    (
        "a merchant's payments",
        *web_lists.page_query(PaymentRow, 50, BEFORE, OF_MERCHANT),
        "payments_of_merchant",
    ),
    ("payouts", *web_lists.page_query(PayoutRow, 50, BEFORE, {}), "payouts_created"),
    (
        "a merchant's payouts",
        *web_lists.page_query(PayoutRow, 50, BEFORE, OF_MERCHANT),
        "payouts_of_merchant",
    ),
    ("a refund's payment", web_lists.PAYMENT_OF_REFUND, ["t", "m-1", "refund/re-1"], "claims_pkey"),
    ("refunds", *web_lists.refunds_query(50, below=7), "ledger_refunds"),
    (
        "a merchant's refunds",
        *web_lists.refunds_query(50, below=7, **OF_MERCHANT),
        "ledger_refunds_of_merchant",
    ),
    ("events", *web_events.events_query(50, PLACE, {}), "events_created"),
    ("a merchant's events", *web_events.events_query(50, PLACE, OF_MERCHANT), "events_of_merchant"),
    (
        "a payment's events",
        web_events.OF_PAYMENT,
        ["pay-1", "m-1", "payment/pay-1", 0, 50],
        "events_of_payment",
    ),
    ("an event", web_events.BY_ID, ["pc.0.1.0", None], "events_pkey"),
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


async def test_a_search_goes_through_the_indexes_of_every_id(pool: Any) -> None:
    query, arguments = page("-detected_at", wanted=MismatchFilter(text="pi_"))
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("SET LOCAL enable_seqscan = off")
        await connection.execute("SET LOCAL enable_indexscan = off")  # not in the order of the list
        plan = "\n".join(row[0] for row in await connection.fetch(f"EXPLAIN {query}", *arguments))
    assert "BitmapOr" in plan, plan
    for index in ("pkey", "merchant", "payment", "batch", "identity"):
        assert f"Bitmap Index Scan on mismatches_{index}" in plan, plan


async def test_pages_end_where_the_next_begins_in_every_order(pool: Any) -> None:
    """With many rows of the same moment, severity, amount and due time."""
    for number in range(23):
        await rows.mismatch(
            pool,
            f"m{number:02}",
            severity=("LOW", "MEDIUM", "HIGH", "CRITICAL")[number % 4],
            expected_amount=None if number % 3 == 0 else 100 * (number % 5),
            detected_at=rows.NOON + timedelta(seconds=number % 6),
            due_at=rows.NOON + timedelta(days=number % 2),
        )
    for sort in get_args(Sort):
        whole = await web_mismatches.list_mismatches(pool, MismatchFilter(), sort, 100)
        paged, key = list[Any](), None
        while found := await web_mismatches.list_mismatches(pool, MismatchFilter(), sort, 4, key):
            paged += found
            key = msgspec.structs.astuple(KEYS[sort].of(found[-1]))
        assert paged == whole, sort
        assert len(whole) == 23
