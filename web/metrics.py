"""`GET /metrics`: the shared snapshot in Prometheus's text format. The catalogue is its documentation."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate
from typing import Any, Final, Literal, NamedTuple

from aiohttp import web
from prometheus_client import generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

from app.store.web_detection import BUCKETS_MS, SinceStart
from app.store.web_errors import is_unavailable
from web.deps import DEPS
from web.schemas import EffectsStatus, PartitionStatus, Status
from web.snapshots import Snapshot
from web.status import status_of

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
LANE: Final = ("topic", "partition")


class Metric(NamedTuple):
    """One family. A counter's samples end in `_total`."""

    name: str
    kind: Literal["gauge", "counter", "histogram"]
    labels: tuple[str, ...]
    help: str


CATALOGUE: Final = (
    Metric("tallystick_database_up", "gauge", (), "1 when the database could be read for this answer"),
    Metric("tallystick_position", "gauge", LANE, "First offset that is not committed"),
    Metric(
        "tallystick_position_lag", "gauge", LANE, "Records in Kafka after the position; absent without Kafka"
    ),
    Metric("tallystick_position_age_seconds", "gauge", LANE, "Seconds since the position moved"),
    Metric("tallystick_records_per_second", "gauge", LANE, "Rate of the position over the last 10 seconds"),
    Metric("tallystick_partition_halted", "gauge", LANE, "1 while the partition is halted"),
    Metric("tallystick_holes", "counter", LANE, "Holes in the delivery, refilled; since the workers' start"),
    Metric(
        "tallystick_conflicts", "counter", LANE, "Positions or rows that had moved; since the workers' start"
    ),
    Metric("tallystick_outbox_rows", "gauge", LANE, "Committed batches whose output is not published"),
    Metric("tallystick_outbox_age_seconds", "gauge", LANE, "Age of the oldest unpublished output"),
    Metric(
        "tallystick_timers_overdue", "gauge", LANE, "Timers that are due and not taken, counted up to 1000"
    ),
    Metric("tallystick_timer_age_seconds", "gauge", LANE, "How long the oldest due timer has been due"),
    Metric(
        "tallystick_kafka_ends_age_seconds", "gauge", (), "Age of the end offsets; absent before the first"
    ),
    Metric("tallystick_workers_alive", "gauge", (), "Workers heard within 10 seconds"),
    Metric("tallystick_worker_silent_seconds", "gauge", ("worker_id",), "Seconds since the worker was heard"),
    Metric("tallystick_worker_rss_bytes", "gauge", ("worker_id",), "Resident memory of the worker"),
    Metric("tallystick_dead_letters", "gauge", ("topic", "status"), "Records that could not be decided"),
    Metric(
        "tallystick_effects",
        "gauge",
        ("target", "status"),
        "Calls to PSPs and webhooks to merchants: `ready`, `waiting` for another attempt, `dead`: given up",
    ),
    Metric(
        "tallystick_effects_oldest_seconds", "gauge", ("target", "status"), "Since the oldest was asked for"
    ),
    Metric("tallystick_effects_running", "gauge", (), "Attempts under way"),
    Metric("tallystick_effects_breakers_open", "gauge", (), "Targets left alone after failures in a row"),
    Metric(
        "tallystick_psp_calls",
        "counter",
        ("psp", "answer"),
        "Calls to PSPs, since the workers started",
    ),
    Metric("tallystick_psp_mean_seconds", "gauge", ("psp",), "Mean time of these calls"),
    Metric("tallystick_psp_failures_in_a_row", "gauge", ("psp",), "Calls without a proper answer, until now"),
    Metric(
        "tallystick_events_lost",
        "counter",
        (),
        "Records of `payments.events` that are missing from the list of events: gone or not readable",
    ),
    Metric("tallystick_mismatches", "gauge", ("category", "severity", "status"), "Mismatches"),
    Metric("tallystick_open_mismatches", "gauge", ("category", "severity"), "Mismatches in any open status"),
    Metric(
        "tallystick_mismatches_opened_last_minute", "gauge", (), "Mismatches detected in the last 60 seconds"
    ),
    Metric(
        "tallystick_time_to_detect_quantile_seconds",
        "gauge",
        ("window", "quantile"),
        "From the second side's append to the commit; window `15m` or `all`; absent where nothing was found",
    ),
    Metric("tallystick_ledger_transactions", "gauge", (), "Transactions in the ledger"),
    Metric("tallystick_ledger_entries", "gauge", (), "Entries in the ledger"),
    Metric("tallystick_payments", "gauge", (), "Payments known"),
    Metric("tallystick_verify_ok", "gauge", (), "1 when the last verify passed; absent before the first"),
    Metric("tallystick_verify_age_seconds", "gauge", (), "Seconds since the last verify ended"),
    Metric("tallystick_live_views", "gauge", (), "Live pages open on this process"),
)
DETECTION: Final = Metric(
    "tallystick_time_to_detect_seconds",
    "histogram",
    (),
    "From the second side's append to the commit, of every mismatch there is",
)
OF_THE_PROCESS: Final = (
    Metric(
        "tallystick_http_requests", "counter", ("method", "route", "status"), "Requests this process answered"
    ),
    Metric(
        "tallystick_webhooks",
        "counter",
        ("psp", "outcome"),
        "Webhooks that came: `stored`, or why not (the problem's `code`; `cut_off`: never answered)",
    ),
    Metric(
        "tallystick_http_request_duration_seconds", "histogram", ("route",), "How long they took, a histogram"
    ),
)

Sample = tuple[str, tuple[Any, ...], float]


async def get_metrics(request: web.Request) -> web.StreamResponse:
    """While the database is away the answer is 200 with `tallystick_database_up 0` and no stale figures."""
    deps = request.app[DEPS]
    histogram = b""
    try:
        snapshot = await deps.snapshots.current()
        samples, histogram = list(_samples(snapshot)), detection_histogram(snapshot.since_start)
    except Exception as error:
        if not is_unavailable(error):
            raise
        samples = [("tallystick_database_up", (), 0)]
    samples.append(("tallystick_live_views", (), len(deps.feed.boxes)))
    body = expose(samples) + histogram + generate_latest(deps.requests_seen.registry)
    return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE})


def expose(samples: list[Sample]) -> bytes:
    """Samples in the order of the catalogue. A name that is not in it is a mistake and raises KeyError."""
    families = {metric.name: _family(metric) for metric in CATALOGUE}
    for name, labels, value in samples:
        families[name].add_metric([str(label) for label in labels], value)
    return generate_latest(_Fixed([family for family in families.values() if family.samples]))


def detection_histogram(found: SinceStart) -> bytes:
    """Cumulative, as Prometheus wants it; the ends in seconds."""
    ends = [*(str(end / 1000) for end in BUCKETS_MS), "+Inf"]
    buckets = list(zip(ends, accumulate(found.buckets), strict=True))
    family = HistogramMetricFamily(DETECTION.name, DETECTION.help)
    family.add_metric([], buckets, found.sum_ms / 1000)
    return generate_latest(_Fixed([family]))


def _family(metric: Metric) -> GaugeMetricFamily | CounterMetricFamily:
    family = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
    return family(metric.name, metric.help, labels=metric.labels)


class _Fixed:
    """A registry of families that are ready."""

    def __init__(self, families: list[Any]) -> None:
        self._families = families

    def collect(self) -> list[Any]:
        return self._families


def _samples(snapshot: Snapshot) -> Iterator[Sample]:
    status = status_of(snapshot)
    yield "tallystick_database_up", (), 1
    for partition in status.partitions:
        yield from _of_partition(partition, (status.as_of - partition.updated_at).total_seconds())
    yield from _of_workers(status)
    if status.kafka.age_seconds is not None:
        yield "tallystick_kafka_ends_age_seconds", (), status.kafka.age_seconds
    for letters in snapshot.books.dead_letters:
        yield "tallystick_dead_letters", (letters.topic, letters.status), letters.count
    yield from _of_effects(status.effects)
    yield "tallystick_events_lost", (), snapshot.books.events_lost
    for count in status.mismatches:
        yield "tallystick_mismatches", (count.category, count.severity, count.status), count.count
    yield from _of_detection(status)
    yield "tallystick_ledger_transactions", (), status.ledger.transactions
    yield "tallystick_ledger_entries", (), status.ledger.entries
    yield "tallystick_payments", (), status.ledger.payments
    if status.last_verify is not None:
        age = (status.as_of - status.last_verify.finished_at).total_seconds()
        yield "tallystick_verify_ok", (), status.last_verify.ok
        yield "tallystick_verify_age_seconds", (), age


def _of_effects(effects: EffectsStatus) -> Iterator[Sample]:
    for group in effects.groups:
        yield "tallystick_effects", (group.target, group.status), group.count
        yield "tallystick_effects_oldest_seconds", (group.target, group.status), group.oldest_seconds
    yield "tallystick_effects_running", (), effects.running
    yield "tallystick_effects_breakers_open", (), len(effects.breakers)
    for psp in effects.psps:
        for answer, count in psp.answers.items():
            yield "tallystick_psp_calls", (psp.psp, answer), count
        if psp.mean_seconds is not None:
            yield "tallystick_psp_mean_seconds", (psp.psp,), psp.mean_seconds
        yield "tallystick_psp_failures_in_a_row", (psp.psp,), psp.failures_in_a_row


def _of_detection(status: Status) -> Iterator[Sample]:
    for found in status.open_mismatches:
        yield "tallystick_open_mismatches", (found.category, found.severity), found.count
    detection = status.detection
    yield "tallystick_mismatches_opened_last_minute", (), detection.opened_last_minute
    for window, times in (("15m", detection.last_15_minutes), ("all", detection.since_start)):
        for quantile, value in (("0.5", times.p50_ms), ("0.99", times.p99_ms)):
            if value is not None:
                yield "tallystick_time_to_detect_quantile_seconds", (window, quantile), value / 1000


def _of_partition(partition: PartitionStatus, age_seconds: float) -> Iterator[Sample]:
    figures = {
        "position": partition.position,
        "position_lag": partition.lag,
        "position_age_seconds": age_seconds,
        "records_per_second": partition.records_per_second,
        "partition_halted": int(partition.halted is not None),
        "holes": partition.holes,
        "conflicts": partition.conflicts,
        "outbox_rows": partition.outbox_rows,
        "outbox_age_seconds": partition.outbox_age_seconds,
        "timers_overdue": partition.timers_overdue,
        "timer_age_seconds": partition.timer_age_seconds,
    }
    for name, value in figures.items():
        if value is not None:
            yield f"tallystick_{name}", (partition.topic, partition.partition), value


def _of_workers(status: Status) -> Iterator[Sample]:
    yield "tallystick_workers_alive", (), sum(worker.alive for worker in status.workers)
    for worker in status.workers:
        yield "tallystick_worker_silent_seconds", (worker.worker_id,), worker.silent_seconds
        yield "tallystick_worker_rss_bytes", (worker.worker_id,), worker.rss_bytes


def render_docs() -> bytes:
    """docs/metrics.md."""
    rows = "".join(
        f"| `{metric.name}{'_total' if metric.kind == 'counter' else ''}` | {metric.kind} "
        f"| {', '.join(f'`{label}`' for label in metric.labels) or '–'} | {metric.help} |\n"
        for metric in (*CATALOGUE, DETECTION, *OF_THE_PROCESS)
    )
    return (DOCS_HEAD + rows).encode()


DOCS_HEAD: Final = """# Metrics

Generated by `python -m app docs` from `web/metrics.py`. `GET /metrics` of the web process, in Prometheus's
text format; it needs a key of any staff role (`Authorization: Bearer`). Workers open no port: what they count
are rows that the web serves, so scraping one web process is enough; only `tallystick_http_*`,
`tallystick_webhooks` and `tallystick_live_views` are that process's own. While the database is away there is
`tallystick_database_up 0` instead of old figures.

Worth an alert: `tallystick_database_up` 0; `tallystick_partition_halted` 1; `tallystick_position_lag` growing
while `tallystick_position_age_seconds` grows; `tallystick_outbox_age_seconds` or
`tallystick_timer_age_seconds` above 30; any new `tallystick_dead_letters`,
`tallystick_events_lost_total` or `tallystick_effects{status="dead"}`; `tallystick_verify_ok` 0 or
`tallystick_verify_age_seconds` above 900. Some holes and conflicts after a takeover are normal.

| name | kind | labels | meaning |
|---|---|---|---|
"""
