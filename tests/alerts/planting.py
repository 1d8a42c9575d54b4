"""Planted critical exceptions, servers that fail three times in ten, a worker that is killed; and the count.

The exceptions are real ones: payments that look twice the same, each of a merchant of its own, spread over so
many PSPs that no (psp, category) has more than fifty.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random
from typing import Any, Final, NamedTuple

import msgspec
import orjson
from aiohttp import web

from app.domain.alert_delivery import alert_target
from app.domain.streams import EFFECTS_REQUESTS, PAYMENTS_COMMANDS
from app.kafka.partitioner import partition_for
from tests.effects.workers import Workers
from tests.support.live import PARTITIONS, Live
from tests.support.mail_server import TAKEN, MailServer, mail_serving
from tests.support.receiver import Received, Receiver, receiving
from tests.support.waiting import eventually

FAILING: Final = 0.3
OF_ONE_PSP: Final = 40
LIMITS: Final = {
    "concurrency": 4,
    "per_second": 400,
    "pauses_seconds": [0.2, 0.4, 0.8, 1, 1, 1, 2, 2, 2, 4, 4, 4, 8],
    "breaker_seconds": 0.5,
}
EXPLAINED_SECONDS: Final = 2.0
"""A message that was first taken so shortly before a kill may not have been reported."""
CHANNELS: Final = {"slack": {"kind": "slack"}, "mail": {"kind": "email", "to": ["finance@example.org"]}}
PLATFORM: Final[dict[str, Any]] = {
    "alerts": {"channels": CHANNELS},
    "effects": {"alert.slack": LIMITS, "alert.email": LIMITS},
}
AT: Final = "2026-11-20T09:00:00Z"
OPEN: Final = "SELECT count(*) FROM effects WHERE status IN ('ready', 'waiting')"
TOLD: Final = "SELECT state::text FROM documents WHERE collection = 'alert'"
ALERT_KEYS: Final = "SELECT count(*) FROM documents WHERE collection = 'alert' AND state ->> 'number' <> '0'"


class Sink:
    """What both servers took, as (channel, message id) -> when, each time."""

    def __init__(self, slack: Receiver, mail: MailServer, seed: int) -> None:
        self.slack, self.mail = slack, mail
        self.taken: dict[tuple[str, str], list[float]] = {}
        self.refused = 0
        self._random = Random(seed)
        slack.handler = self._slack
        mail.answer = self._mail

    def _fails(self) -> bool:
        fails = self._random.random() < FAILING
        self.refused += fails
        return fails

    def _take(self, channel: str, name: str) -> None:
        self.taken.setdefault((channel, name), []).append(time.monotonic())

    async def _slack(self, got: Received, request: web.Request) -> web.StreamResponse:
        if self._fails():
            return web.Response(status=500, text="rollup_error")
        footer: str = orjson.loads(got.body)["blocks"][2]["elements"][0]["text"]
        self._take("slack", footer.rpartition(" ")[2])
        return web.Response(text="ok")

    def _mail(self, mail: Any) -> str:
        if self._fails():
            return "451 4.3.0 try later"
        self._take("mail", str(mail["Message-ID"]).strip("<>").partition("@")[0])
        return TAKEN

    def of(self, channel: str) -> set[str]:
        return {name for where, name in self.taken if where == channel}

    def environment(self) -> dict[str, str]:
        return {"TALLYSTICK_ALERT_SLACK_URL": self.slack.url, **self.mail.environment()}


@asynccontextmanager
async def sinking(seed: int) -> AsyncIterator[Sink]:
    async with receiving() as slack, mail_serving() as mail:
        yield Sink(slack, mail, seed)


class Figures(NamedTuple):
    """`repeated`: how often something was taken again; `unexplained`: of it what no kill explains."""

    keys: int
    messages: int
    by_slack: int
    by_mail: int
    refused: int
    kills: int
    repeated: int
    unexplained: int
    dead: int
    seconds: float

    def __str__(self) -> str:
        return ", ".join(f"{name} {value:g}" for name, value in self._asdict().items())


async def plant(live: Live, count: int) -> None:
    """`count` pairs of payments that look the same."""
    records: list[tuple[str, Any]] = []
    for number in range(count):
        merchant = f"m-{number}"
        for name in ("a", "b"):
            record = {
                "type": "payment.record",
                "id": f"c-{name}",
                "merchant_id": merchant,
                "payment_id": f"pay-{name}",
                "amount": 5_000,
                "currency": "EUR",
                "psp": f"psp-{number // OF_ONE_PSP}",
                "psp_payment_id": f"pi-{number}-{name}",
                "occurred_at": AT,
                "invoice_id": "INV-1",
                "payer": {"tax_id": f"DE{number}"},
            }
            records.append((merchant, record))
    await live.send(PAYMENTS_COMMANDS, records)


async def told_of(live: Live) -> dict[str, set[str]]:
    """Channel -> ids of all messages that the alerts lane asked for."""
    found: dict[str, set[str]] = {}
    for row in await live.pool.fetch(TOLD):
        alert = msgspec.json.decode(row["state"])
        for told in alert.get("messages", ()):
            for channel in told.get("channels", ()):
                found.setdefault(channel, set()).add(f"{alert['id']}.{told['number']}")
    return found


async def run(live: Live, workers: Workers, sink: Sink, count: int, within_seconds: float) -> Figures:
    """Two workers; the one that sends to Slack is killed when a third of it is done."""
    live.configure(PLATFORM)
    for name in ("one", "two"):
        workers.start(name, **sink.environment())
    owner = await eventually(lambda: sending_worker(live), 90.0, "both workers to share the partitions")
    began = time.monotonic()
    await plant(live, count)
    await eventually(lambda: len(sink.of("slack")) >= count // 3, within_seconds, "a third of the alerts")
    killed_at = time.monotonic()
    workers.kill(str(owner))

    async def all_done() -> bool:
        keys: int = await live.pool.fetchval(ALERT_KEYS)
        still_open: int = await live.pool.fetchval(OPEN)
        return keys >= count and not still_open

    await eventually(all_done, within_seconds, "every alert to be delivered")
    return await count_up(live, sink, [killed_at], time.monotonic() - began)


async def sending_worker(live: Live) -> str | None:
    """Who owns the partition of Slack's effects, once two workers own half of the lanes each."""
    wanted = f"{EFFECTS_REQUESTS}:{partition_for(alert_target('slack').encode(), PARTITIONS)}"
    rows = await live.pool.fetch("SELECT worker_id, lanes FROM workers WHERE cardinality(lanes) > 0")
    owners = [row["worker_id"] for row in rows if wanted in row["lanes"]]
    return owners[0] if len(rows) == 2 and len(owners) == 1 else None


async def count_up(live: Live, sink: Sink, kills: list[float], seconds: float) -> Figures:
    again = {key: times for key, times in sink.taken.items() if len(times) > 1}
    unexplained = [
        key
        for key, times in again.items()
        if not any(kill - EXPLAINED_SECONDS <= times[0] <= kill + 0.5 for kill in kills)
    ]
    wanted = await told_of(live)
    assert wanted["slack"] <= sink.of("slack"), "an alert never reached Slack"
    assert wanted["mail"] <= sink.of("mail"), "an alert never reached the mail server"
    return Figures(
        keys=await live.pool.fetchval(ALERT_KEYS),
        messages=sum(map(len, wanted.values())),
        by_slack=len(sink.of("slack")),
        by_mail=len(sink.of("mail")),
        refused=sink.refused,
        kills=len(kills),
        repeated=sum(len(times) - 1 for times in again.values()),
        unexplained=len(unexplained),
        dead=await live.pool.fetchval("SELECT count(*) FROM effects WHERE status = 'dead'"),
        seconds=round(seconds, 1),
    )
