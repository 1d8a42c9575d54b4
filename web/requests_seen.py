"""What this process counts about its own requests."""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics

BUCKETS_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


disable_created_metrics()  # type: ignore[no-untyped-call]


class RequestsSeen:
    """Labels hold the route's pattern, never a path as it came: their number stays bounded."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "tallystick_http_requests",
            "Requests this process answered",
            ("method", "route", "status"),
            registry=self.registry,
        )
        self._webhooks = Counter(
            "tallystick_webhooks",
            "Webhooks that came: `stored`, or why not (the problem's `code`; `cut_off`: never answered)",
            ("psp", "outcome"),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "tallystick_http_request_duration_seconds",
            "How long they took, a histogram",
            ("route",),
            buckets=BUCKETS_SECONDS,
            registry=self.registry,
        )

    def add(self, method: str, route: str, status: int, seconds: float) -> None:
        known = method if method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS") else "other"
        self._requests.labels(known, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def add_webhook(self, psp: str, outcome: str) -> None:
        """`psp`: one that is known, or `unknown`; `outcome`: `stored`, `cut_off` or a problem's code."""
        self._webhooks.labels(psp, outcome).inc()
