"""One partition of the alerts lane in memory, as the engine runs it: repeats dropped, timers fired."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from app.contracts.codec import encode
from app.domain import alerts_lane
from app.domain.alert import Alert
from app.domain.alert_delivery import AlertDelivery, AlertMessage
from app.domain.alert_records import AlertsLaneRecord, ConditionNoticed, MismatchNoticed
from app.domain.alert_rules import AlertConfiguration
from app.domain.commands import PlatformConfigure
from app.domain.decision import Draft, Duplicate, Ignored, Refused, Source
from app.domain.effects import EffectRequested
from app.domain.state import NotLoaded, Ref
from app.domain.streams import ALERTS_COMMANDS, EFFECTS_REQUESTS
from app.domain.timers import Timer, from_epoch_ms, is_set_again, parse_timer_id, timer_ref

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
CHANNELS: dict[str, Any] = {
    "slack": {"kind": "slack"},
    "mail": {"kind": "email", "to": ("finance@example.org",)},
}


def noticed(mismatch_id: str, *, is_open: bool = True, **fields: Any) -> MismatchNoticed:
    """A CRITICAL one of merchant m-1 at stripe; its id in the log is made when it is sent."""
    values: dict[str, Any] = {
        "id": "-",
        "lane": "stripe",
        "psp": "stripe",
        "is_new": is_open,
        "category": "AMOUNT_UNDER",
        "severity": "CRITICAL",
        "merchant_id": "m-1",
        "currency": "EUR",
        "expected_amount": 20_000_000,
        "actual_amount": 5_000_000,
        "detected_at": NOON,
    }
    return MismatchNoticed(mismatch_id=mismatch_id, is_open=is_open, **{**values, **fields})


def condition(name: str, *, failing: bool = True, **fields: Any) -> ConditionNoticed:
    values: dict[str, Any] = {"id": "-", "lane": "platform", "value": 1, "at": NOON}
    return ConditionNoticed(name=name, failing=failing, **{**values, **fields})  # type: ignore[arg-type]


class AlertsWorld:
    """`send` gives the outcome's name; `deliveries` is what people were sent."""

    def __init__(self, alerts: dict[str, Any] | None = None) -> None:
        self.rows: dict[Ref, Any] = {}
        self.sends: list[Any] = []
        self.now = NOON
        self.offset = 0
        self._ids: dict[tuple[str, str], bytes] = {}
        self._loaded: set[Ref] = set()
        self.configure({"channels": CHANNELS} if alerts is None else alerts)

    def configure(self, alerts: dict[str, Any]) -> None:
        configured = msgspec.convert(alerts, AlertConfiguration, strict=False)
        self.send(PlatformConfigure(id=f"p-{self.offset}", alerts=configured))

    def get(self, ref: Ref) -> Any:
        if ref not in self._loaded:
            raise NotLoaded(ref)
        return self.rows.get(ref)

    def send(self, command: AlertsLaneRecord) -> str:
        key = alerts_lane.record_key(command) or "-"
        if command.id == "-":
            command = msgspec.structs.replace(command, id=f"in-{self.offset}")
        again = command.is_timer and self._is_set_again(key, command.id)
        if (key, command.id) in self._ids and not again:
            assert self._ids[key, command.id] == encode(command)
            return "duplicate"
        self._ids[key, command.id] = encode(command)
        return self._decide(key, command)

    def _is_set_again(self, key: str, record_id: str) -> bool:
        """As the engine asks, which may look anywhere."""
        fired = parse_timer_id(record_id)
        if fired is not None:
            self._loaded = {timer_ref(key, fired.kind, fired.subject)}
        return is_set_again(self, key, record_id)

    def _decide(self, key: str, command: AlertsLaneRecord) -> str:
        self._loaded = set(alerts_lane.prefetch(command))
        self.offset += 1
        while True:
            draft = Draft(self, Source(ALERTS_COMMANDS, 0, self.offset, key, self.now))
            try:
                alerts_lane.decide(draft, command)
            except NotLoaded as missing:
                self._loaded.add(missing.ref)
            except (Duplicate, Ignored, Refused) as ending:
                return type(ending).__name__.lower()
            else:
                return self._keep(draft)

    def _keep(self, draft: Draft) -> str:
        for ref, value in draft.state.items():
            assert ref.kind == "timer" or ref in self._loaded, f"{ref} is written without having been read"
            if value is None:
                self.rows.pop(ref, None)
            else:
                self.rows[ref] = value
        self.sends += draft.sends
        for send in draft.sends:
            if send.topic == ALERTS_COMMANDS:
                self.send(send.record)  # type: ignore[arg-type]
        return "applied"

    @property
    def requests(self) -> list[EffectRequested]:
        return [send.record for send in self.sends if send.topic == EFFECTS_REQUESTS]

    @property
    def deliveries(self) -> list[AlertDelivery]:
        works = [request.work for request in self.requests]
        return [work for work in works if isinstance(work, AlertDelivery)]

    def messages(self, channel: str = "slack") -> list[AlertMessage]:
        return [work.message for work in self.deliveries if work.channel == channel]

    def whats(self, channel: str = "slack") -> list[str]:
        return [message.what for message in self.messages(channel)]

    def alerts(self) -> list[Alert]:
        return [value for value in self.rows.values() if isinstance(value, Alert)]

    def timers(self) -> list[Timer]:
        return [value for ref, value in self.rows.items() if ref.kind == "timer"]

    def pass_time(self, seconds: float) -> None:
        """Timers that come due meanwhile fire in their order, each at its time."""
        until = self.now + timedelta(seconds=seconds)
        while True:
            due = min(self.timers(), key=lambda timer: timer.due_at_ms, default=None)
            if due is None or from_epoch_ms(due.due_at_ms) > until:
                break
            self.now = max(self.now, from_epoch_ms(due.due_at_ms))
            assert self.send(due.record) == "applied"  # type: ignore[arg-type]
        self.now = until
