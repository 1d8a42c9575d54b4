"""Filters mean the same in PostgreSQL, which lists, and in Python, which streams; and through the API."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest
from msgspec.structs import replace

from app.store.mismatch_filters import MismatchFilter
from app.store.web_figures import MismatchRow
from app.store.web_mismatches import list_mismatches
from tests.web import rows
from tests.web.conftest import Web
from web.mismatch_filters import matches, may_ever_match

FILTERS: list[dict[str, Any]] = [
    {},
    {"categories": ("LATE",)},
    {"categories": ("LATE", "FEE_VARIANCE"), "severities": ("LOW",)},
    {"severities": ("HIGH", "CRITICAL")},
    {"statuses": ("open", "assigned", "investigating", "pending_approval")},
    {"statuses": ("assigned", "open")},
    {"statuses": ("auto_resolved",), "legs": ("A", "M")},
    {"legs": ("M",)},
    {"merchant_id": "m-1"},
    {"payment_id": "pay-2"},
    {"psp": "adyen"},
    {"batch_id": "B2"},
    {"currency": "JPY"},
    {"stake_from": 345},
    {"stake_to": 345},
    {"stake_from": 1, "stake_to": 12345},
    {"since": rows.NOON},
    {"before": rows.NOON},
    {"since": rows.NOON, "before": rows.NOON + timedelta(seconds=1)},
    {"text": "pay-"},
    {"text": "m-1"},
    {"text": "B2"},
    {"text": "id-0"},
    {"text": "pi_1"},
    {"text": "stripe"},
    {"text": "%"},
    {"text": "pay_2"},
    {"text": "PAY-"},
    {"merchant_id": "m-1", "text": "pay-1", "severities": ("LOW",)},
]


async def fill(pool: Any) -> dict[str, str]:
    """Many combinations; returns each one's owner key."""
    owners = {}
    chosen = product(
        ("LATE", "AMOUNT_UNDER"), ("LOW", "HIGH"), ("open", "assigned", "auto_resolved"), range(6)
    )
    for number, (category, severity, status, kind) in enumerate(chosen):
        mismatch_id = f"id-{number:02}"
        owners[mismatch_id] = "m-1" if kind == 5 else f"stripe:pi_{kind}"
        await rows.mismatch(
            pool,
            mismatch_id,
            category=category,
            severity=severity,
            status=status,
            leg="M" if kind == 5 else "A",
            merchant_id=(None, "m-1", "m-10", "M-1", "m-2", "m-1")[kind],
            payment_id=("pay-1", None, "pay-2", "pay_2", "PAY-3", "pay-22")[kind],
            psp=("stripe", "adyen", None)[kind % 3],
            batch_id=("B1", "B2", None, "B22", "b2", "B2")[kind],
            currency=("EUR", "JPY", None)[kind % 3],
            expected_amount=(12345, None, 0, 12000, 12346, 10**15)[kind],
            actual_amount=(12000, 345, None, 12345, 12001, -(10**15))[kind],
            detected_at=rows.NOON + timedelta(microseconds=number - 36),
            owner_key=owners[mismatch_id],
        )
    return owners


def identity(owner_key: str) -> str:
    return owner_key.partition(":")[2] if ":" in owner_key else owner_key


async def test_both_find_the_same(pool: Any) -> None:
    owners = await fill(pool)
    everything = await list_mismatches(pool, MismatchFilter(), "detected_at", 500)
    assert len(everything) == len(owners)
    found_some = 0
    for given in FILTERS:
        wanted = MismatchFilter(**given)
        listed = [row.id for row in await list_mismatches(pool, wanted, "detected_at", 500)]
        judged = [row.id for row in everything if matches(wanted, row, identity(owners[row.id]))]
        assert listed == judged, given
        found_some += 0 < len(listed) < len(everything)
    assert found_some >= len(FILTERS) - 4


async def test_what_never_fits_cannot_have_left(pool: Any) -> None:
    """However a mismatch moves: what fits at some time passes the test that ignores what moves."""
    owners = await fill(pool)
    everything = await list_mismatches(pool, MismatchFilter(), "detected_at", 500)
    for given in FILTERS:
        wanted = MismatchFilter(**given)
        for row in everything:
            moved: MismatchRow = replace(row, severity="LOW", status="resolved", expected_amount=None)
            if matches(wanted, row, identity(owners[row.id])):
                assert may_ever_match(wanted, moved, identity(owners[row.id])), (given, row)


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("category=LATE&category=FEE_VARIANCE", {"a", "b"}),
        ("category=LATE,FEE_VARIANCE", {"a", "b"}),
        ("severity=HIGH", {"c"}),
        ("open=true", {"a", "c"}),
        ("open=false", {"b"}),
        ("status=auto_resolved,open", {"a", "b", "c"}),
        ("leg=M", {"c"}),
        ("batch_id=B7", {"b"}),
        ("currency=JPY", {"c"}),
        ("amount_from=100", {"a", "b"}),
        ("amount_from=100&amount_to=400", {"a"}),
        ("q=pay-9", {"c"}),
        ("q=pi_7", {"b"}),
        ("max_age_hours=1", {"c"}),
        ("min_age_hours=1", {"a", "b"}),
        ("min_age_hours=1&open=true", {"a"}),
    ],
)
async def test_the_api_filters(web: Web, viewer: dict[str, str], query: str, wanted: set[str]) -> None:
    now = datetime.now(UTC)
    await rows.mismatch(web.pool, "a", category="LATE", detected_at=now - timedelta(hours=2))
    await rows.mismatch(
        web.pool,
        "b",
        category="FEE_VARIANCE",
        status="auto_resolved",
        batch_id="B7",
        actual_amount=None,
        owner_key="stripe:pi_7",
        detected_at=now - timedelta(hours=3),
    )
    await rows.mismatch(
        web.pool,
        "c",
        severity="HIGH",
        leg="M",
        currency="JPY",
        expected_amount=5,
        actual_amount=9,
        payment_id="pay-99",
        detected_at=now,
    )
    status, page = await web.get(f"/v1/mismatches?{query}&counts=true", viewer)
    assert status == 200, page
    assert {item["id"] for item in page["items"]} == wanted
    assert page["counts"]["total"] == len(wanted)
    assert page["counts"]["is_complete"]
    assert sum(group["count"] for group in page["counts"]["groups"]) == len(wanted)


@pytest.mark.parametrize(
    ("sort", "wanted"),
    [
        ("-detected_at", "dcba"), ("detected_at", "abcd"), ("severity", "cbda"), ("amount", "bdca"),
        ("due_at", "badc"),
    ],
)  # fmt: skip
async def test_the_api_sorts_and_pages(web: Web, viewer: dict[str, str], sort: str, wanted: str) -> None:
    for number, (name, severity, actual, due) in enumerate(
        [
            ("a", "LOW", 12345, 2),
            ("b", "HIGH", None, 1),
            ("c", "CRITICAL", 12344, 4),
            ("d", "MEDIUM", 12346, 3),
        ]
    ):
        await rows.mismatch(
            web.pool,
            name,
            severity=severity,
            actual_amount=actual,
            detected_at=rows.NOON + timedelta(seconds=number),
            due_at=rows.NOON + timedelta(days=due),
        )
    found, cursor = "", ""
    for _ in range(4):
        _, page = await web.get(f"/v1/mismatches?sort={sort}&limit=1{cursor}", viewer)
        found += page["items"][0]["id"]
        cursor = f"&cursor={page['next_cursor']}"
    assert (found, page["has_more"], page["next_cursor"]) == (wanted, False, None)
    assert page["counts"] is None
