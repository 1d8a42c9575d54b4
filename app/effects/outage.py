"""Tells operators by itself that the database or the broker cannot be reached: nothing that needs them can.

Each worker asks both every few seconds. After `outage_seconds` it sends one message to the operators'
channels, over the same kinds that deliver other alerts, and one more when both answer again. What it knows of
channels is the configuration it saw last. Message-IDs are made of the hour in which it began, so that mail
programs show what several workers say as one; a Slack channel hears each worker. A worker that starts during
an outage does not know whom to tell: it ends with an error, and its supervisor tells.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from time import monotonic
from typing import Final

from app.domain.alert import PLATFORM_LANE, AlertKey
from app.domain.alert_delivery import AlertMessage, What, alert_target, delivery_id
from app.domain.alert_rules import AlertConfiguration
from app.domain.alert_telling import work_for
from app.effects.kind import Attempt, Kind
from app.errors import Transient

log: Final = logging.getLogger(__name__)
EVERY_SECONDS: Final = 5.0
PROBE_SECONDS: Final = 10.0
Probe = Callable[[], Awaitable[object]]


class OutageWatch:
    """`probes`: what must answer, by name; a probe raises Transient or takes too long where it does not."""

    def __init__(
        self,
        probes: Mapping[str, Probe],
        kinds: Mapping[type, Kind],
        configured: Callable[[], AlertConfiguration | None],
        worker_id: str,
        every_seconds: float = EVERY_SECONDS,
    ) -> None:
        self._probes = probes
        self._kinds = kinds
        self._configured = configured
        self._worker_id = worker_id
        self._every_seconds = every_seconds
        self._away: dict[str, tuple[float, datetime]] = {}
        """Since when each is away."""
        self._told: dict[str, AlertMessage] = {}
        self._unsent: dict[tuple[str, str], AlertMessage] = {}
        """(message, channel) -> the message, until the channel takes it."""

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(self._every_seconds)
            await self.look()

    async def look(self) -> None:
        """One look at everything, and another attempt at what was not taken."""
        for name, probe in self._probes.items():
            if await _answers(probe):
                self._back(name)
            else:
                self._is_away(name)
        await self._send()

    def _is_away(self, name: str) -> None:
        since, began = self._away.setdefault(name, (monotonic(), datetime.now(UTC)))
        configured = self._configured()
        if configured is None or name in self._told:
            return
        if monotonic() - since >= configured.thresholds.outage_seconds:
            log.critical("%s cannot be reached since %s", name, began)
            title = f"CRITICAL: {name} cannot be reached"
            text = f"Worker {self._worker_id} cannot reach {name} since {began:%Y-%m-%d %H:%M:%S} UTC."
            self._told[name] = self._message(name, began, 1, "opened", title, text)
            self._ask_for(configured, self._told[name])

    def _back(self, name: str) -> None:
        self._away.pop(name, None)
        told, configured = self._told.pop(name, None), self._configured()
        if told is not None and configured is not None:
            text = f"Worker {self._worker_id} reaches {name} again."
            title = f"Resolved: {name} can be reached"
            closing = self._message(name, told.at, 2, "closed", title, text)
            self._ask_for(configured, closing)

    def _message(
        self, name: str, began: datetime, number: int, what: What, title: str, text: str
    ) -> AlertMessage:
        hour = began.strftime("%Y-%m-%dT%H")
        key = AlertKey(kind="condition", severity="CRITICAL", category="outage", scope=f"{name}/{hour}")
        return AlertMessage(
            alert_id=key.alert_id(),
            number=number,
            what=what,
            kind="condition",
            severity="CRITICAL",
            lane=PLATFORM_LANE,
            title=title,
            text=text,
            category="outage",
            scope=name,
            at=began,
        )

    def _ask_for(self, configured: AlertConfiguration, message: AlertMessage) -> None:
        for channel in configured.for_operators():
            self._unsent[message.message_id, channel] = message

    async def _send(self) -> None:
        """What a channel refuses for good is dropped with a word in the log: there is nowhere to keep it."""
        configured = self._configured()
        for (name, channel), message in list(self._unsent.items()):
            if configured is None or channel not in configured.channels:
                del self._unsent[name, channel]
                continue
            work = work_for(channel, configured.channels[channel], message)
            outcome = await self._kinds[type(work)].perform(
                Attempt(
                    effect_id=delivery_id(message, channel),
                    target=alert_target(channel),
                    object=message.alert_id,
                    seq=message.number,
                    number=1,
                    work=work,
                    requested_at=message.at,
                )
            )
            if outcome.outcome != "retry":
                del self._unsent[name, channel]
            if outcome.outcome != "done":
                log.error("the alert %r did not reach %s: %s", message.title, channel, outcome.reason)


async def _answers(probe: Probe) -> bool:
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            await probe()
    except (Transient, TimeoutError):
        return False
    return True
