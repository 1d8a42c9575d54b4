"""One partition of the effects lane in memory, as the engine runs it: repeats dropped, timers fired."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from app.contracts.codec import encode
from app.domain import effects_lane
from app.domain.decision import Draft, Duplicate, Ignored, Source
from app.domain.effect import Effect, effect_ref
from app.domain.effects import (
    EffectAttempted,
    EffectRedrive,
    EffectRequested,
    WebhookDelivery,
    webhook_target,
)
from app.domain.psp_calls import PspCall
from app.domain.state import NotLoaded, Ref
from app.domain.streams import EFFECTS_REQUESTS
from app.domain.timers import Timer, from_epoch_ms, is_set_again, parse_timer_id, timer_ref

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
PSP = "psp:sandbox/1"
WEBHOOK = webhook_target("m-1", "we_1")
CALL = PspCall(
    psp="sandbox",
    operation="refund",
    merchant_id="m-1",
    payment_id="pay-1",
    object_id="re-1",
    amount=500,
    currency="EUR",
    psp_payment_id="ch_1",
)
DELIVERY = WebhookDelivery(
    merchant_id="m-1",
    endpoint_id="we_1",
    url="https://shop.example/hooks",
    event_id="pc.0.1.0",
    event_type="payment.captured",
    body="{}",
)


def requested(effect_id: str = "ef-1", *, target: str = WEBHOOK, **fields: Any) -> EffectRequested:
    work = CALL if target.startswith("psp:") else DELIVERY
    return EffectRequested(id=effect_id, target=target, work=work, **fields)


def attempted(
    number: int, outcome: str = "retry", *, effect_id: str = "ef-1", target: str = WEBHOOK, **fields: Any
) -> EffectAttempted:
    values: dict[str, Any] = {"id": f"{effect_id}/{number}/{outcome}", "at": NOON, "reason": "no answer"}
    return EffectAttempted(
        target=target,
        effect_id=effect_id,
        attempt=number,
        outcome=outcome,  # type: ignore[arg-type]
        **{**values, **fields},
    )


def redrive(number: int = 1, *, effect_id: str = "ef-1", target: str = WEBHOOK) -> EffectRedrive:
    return EffectRedrive(id=f"redrive/{number}", target=target, effect_id=effect_id, by="ops")


class EffectsWorld:
    """`send` gives the outcome's name; `sends` is what the lane sent on."""

    def __init__(self) -> None:
        self.rows: dict[Ref, Any] = {}
        self.sends: list[Any] = []
        self.now = NOON
        self.offset = 0
        self._ids: dict[tuple[str, str], bytes] = {}
        self._loaded: set[Ref] = set()

    def get(self, ref: Ref) -> Any:
        if ref not in self._loaded:
            raise NotLoaded(ref)
        return self.rows.get(ref)

    def send(self, command: Any) -> str:
        key = effects_lane.record_key(command) or "-"
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

    def _decide(self, key: str, command: Any) -> str:
        self._loaded = set(effects_lane.prefetch(command))
        self.offset += 1
        while True:
            draft = Draft(self, Source(EFFECTS_REQUESTS, 0, self.offset, key, self.now))
            try:
                effects_lane.decide(draft, command)
            except NotLoaded as missing:
                self._loaded.add(missing.ref)
            except (Duplicate, Ignored) as ending:
                return type(ending).__name__.lower()
            else:
                self._keep(draft)
                return "applied"

    def _keep(self, draft: Draft) -> None:
        for ref, value in draft.state.items():
            if value is None:
                self.rows.pop(ref, None)
            else:
                self.rows[ref] = value
        self.sends += draft.sends

    def effect(self, effect_id: str = "ef-1", target: str = WEBHOOK) -> Effect:
        found = self.rows[effect_ref(target, effect_id)]
        assert isinstance(found, Effect)
        return found

    def timers(self) -> list[Timer]:
        return [value for ref, value in self.rows.items() if ref.kind == "timer"]

    def fire(self) -> list[str]:
        """Let time pass until the next timer, and fire it."""
        outcomes = []
        for timer in sorted(self.timers(), key=lambda timer: timer.due_at_ms)[:1]:
            self.now = max(self.now, from_epoch_ms(timer.due_at_ms))
            outcomes.append(self.send(timer.record))
        return outcomes

    def pass_time(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
