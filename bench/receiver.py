"""Merchants' servers of `bench.webhooks_out`, in a process of their own: they time, count and check.

`/{run}/ok/…` answers at once, `/{run}/fail/…` says 500, `/{run}/hang/…` never answers. An event's body says
when it was asked for; the processes share one clock.
"""

from __future__ import annotations

import asyncio
import time
from statistics import quantiles
from typing import Any

import msgspec
from aiohttp import web


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """Of one run. `events` and times: of healthy endpoints, each event once."""

    events: int = 0
    repeats: int = 0
    out_of_order: int = 0
    p50_ms: float = 0.0
    p99_ms: float = 0.0
    most_ms: float = 0.0
    bad_requests: int = 0
    hanging: int = 0


class Run:
    """What arrived. `last`: per endpoint and object the number that was seen last."""

    def __init__(self) -> None:
        self.took_ms: list[float] = []
        self.repeats = self.out_of_order = self.bad_requests = self.hanging = 0
        self.last: dict[tuple[str, str], int] = {}

    def arrived(self, request: web.Request, body: bytes) -> None:
        event: dict[str, Any] = msgspec.json.decode(body)
        line = (request.path, request.headers["tallystick-object"])
        number, last = int(request.headers["tallystick-sequence"]), self.last.get(line, 0)
        if number <= last:
            self.repeats += 1
            return
        self.out_of_order += number != last + 1
        self.last[line] = number
        if (asked_at := event.get("asked_at")) is not None:  # a real event does not say
            self.took_ms.append((time.time() - asked_at) * 1000)

    def summary(self) -> Summary:
        took = self.took_ms
        cuts = quantiles(took, n=100) if len(took) > 1 else [0.0] * 99
        return Summary(
            events=len(took),
            repeats=self.repeats,
            out_of_order=self.out_of_order,
            p50_ms=cuts[49],
            p99_ms=cuts[98],
            most_ms=max(took, default=0.0),
            bad_requests=self.bad_requests,
            hanging=self.hanging,
        )


class Merchants:
    def __init__(self) -> None:
        self._runs: dict[str, Run] = {}

    async def take(self, request: web.Request) -> web.Response:
        run = self._runs.setdefault(request.match_info["run"], Run())
        body = await request.read()
        match request.match_info["kind"]:
            case "ok":
                run.arrived(request, body)
                return web.Response()
            case "hang":
                await self._hang(run)
        run.bad_requests += 1
        return web.Response(status=500)

    async def _hang(self, run: Run) -> None:
        run.hanging += 1
        try:
            await asyncio.Event().wait()
        finally:
            run.hanging -= 1
            run.bad_requests += 1

    async def tell(self, request: web.Request) -> web.Response:
        run = self._runs.get(request.match_info["run"], Run())
        return web.Response(body=msgspec.json.encode(run.summary()), content_type="application/json")


async def main() -> None:
    merchants, app = Merchants(), web.Application()
    app.router.add_post("/{run}/{kind}/{endpoint}", merchants.take)
    app.router.add_get("/summary/{run}", merchants.tell)
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, backlog=1024).start()
    host, port = runner.addresses[0][:2]
    print(f"receiving: http://{host}:{port}/", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
