"""Time to detect and open mismatches: the same figures in the status, in the metrics and on the page."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from app.store.web_detection import BUCKETS_MS
from tests.support.waiting import eventually
from tests.web import rows
from tests.web.browsers import served
from tests.web.conftest import Web


async def found(web: Web, headers: dict[str, str], count: int) -> Any:
    """The status, once it has seen so many mismatches."""

    async def seen() -> Any:
        _, answer = await web.get("/v1/status", headers)
        detection = answer["detection"]
        complete = detection["since_start"]["count"] == count
        complete &= detection["last_15_minutes"]["count"] == max(0, count - 1)
        listed = sum(group["count"] for group in answer["mismatches"]) == count
        return answer if complete and listed else None

    return await eventually(seen, 30, f"{count} mismatches")


async def fill(web: Web) -> int:
    """100 of the last minutes took 1 to 100 ms, one of long ago a minute and a half."""
    now = await web.pool.fetchval("SELECT now()")
    for number in range(1, 101):
        await rows.mismatch(
            web.pool,
            f"m{number}",
            severity="HIGH" if number <= 10 else "LOW",
            status="auto_resolved" if number % 2 else "open",
            detected_after_ms=number,
            detected_at=now - timedelta(seconds=5 if number <= 7 else 300),
        )
    await rows.mismatch(web.pool, "old", detected_after_ms=90_000, detected_at=now - timedelta(hours=1))
    return 101


async def test_the_status_has_them(web: Web, viewer: dict[str, str]) -> None:
    await rows.positions(web.pool)
    answer = await found(web, viewer, await fill(web))
    assert answer["detection"] == {
        "opened_last_minute": 7,
        "last_15_minutes": {"count": 100, "p50_ms": 50, "p99_ms": 99},
        "since_start": {"count": 101, "p50_ms": 51, "p99_ms": 100},
    }
    assert answer["open_mismatches"] == [
        {"category": "AMOUNT_UNDER", "severity": "HIGH", "count": 5},
        {"category": "AMOUNT_UNDER", "severity": "LOW", "count": 46},
    ]


async def test_the_metrics_have_them_as_a_histogram(web: Web, viewer: dict[str, str]) -> None:
    await rows.positions(web.pool)
    await found(web, viewer, await fill(web))
    async with web.client.get("/metrics", headers=viewer) as response:
        families = {one.name: one for one in text_string_to_metric_families(await response.text())}
    samples = families["tallystick_time_to_detect_seconds"].samples
    buckets = {s.labels["le"]: s.value for s in samples if s.name.endswith("_bucket")}
    assert len(buckets) == len(BUCKETS_MS) + 1
    assert (buckets["0.05"], buckets["0.1"], buckets["60.0"], buckets["+Inf"]) == (50, 100, 100, 101)
    assert next(s.value for s in samples if s.name.endswith("_sum")) == (5050 + 90_000) / 1000
    quantiles = {
        (s.labels["window"], s.labels["quantile"]): s.value
        for s in families["tallystick_time_to_detect_quantile_seconds"].samples
    }
    assert quantiles == {
        ("15m", "0.5"): 0.05,
        ("15m", "0.99"): 0.099,
        ("all", "0.5"): 0.051,
        ("all", "0.99"): 0.1,
    }
    assert families["tallystick_mismatches_opened_last_minute"].samples[0].value == 7


async def test_nothing_found_is_no_figure(web: Web, viewer: dict[str, str]) -> None:
    answer = await found(web, viewer, 0)
    nothing = {"count": 0, "p50_ms": None, "p99_ms": None}
    assert answer["detection"] == {
        "opened_last_minute": 0,
        "last_15_minutes": nothing,
        "since_start": nothing,
    }
    async with web.client.get("/") as page:
        assert "Time to detect, p99" in await page.text()


async def test_the_page_has_a_tile(web: Web) -> None:
    await rows.positions(web.pool)
    await fill(web)
    await served(web, "Time to detect, p99", "p50 0.05 s over 15 min; 7 opened in the last minute")
