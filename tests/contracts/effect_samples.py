"""Samples of what is asked of the outside and what came of it; see `samples.py`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from app.domain import effects as e
from app.domain.psp_calls import PspCall

AT: Final = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
LATER: Final = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
PSP: Final = "psp:stripe/3"
WEBHOOK: Final = "webhook:m-1/we_1"
OF_EFFECT: Final[dict[str, Any]] = {"target": PSP, "effect_id": "pc.0.7.1"}

CALL: Final = PspCall(
    psp="stripe",
    operation="session",
    merchant_id="m-1",
    payment_id="pay-1",
    object_id="pay-1",
    amount=12345,
    currency="EUR",
    capture=False,
    psp_payment_id="pi_1",
    payment_method="pm_1",
    return_url="https://shop.example/back",
    order_ref="o-1",
    invoice_id="INV-1",
    description="Two chairs",
    destination="ba_1",
)
DELIVERY: Final = e.WebhookDelivery(
    merchant_id="m-1",
    endpoint_id="we_1",
    url="https://shop.example/hooks",
    event_id="pc.0.7.0",
    event_type="payment.captured",
    body='{"type":"payment.captured"}',
)

EFFECTS_FULL: Final[tuple[msgspec.Struct, ...]] = (
    e.EffectRequested(id="pc.0.7.1", target=PSP, work=CALL, object="m-1/pay-1", seq=4, deadline_at=LATER),
    e.EffectAttempted(
        id="pc.0.7.1/2/0f",
        **OF_EFFECT,
        attempt=2,
        outcome="retry",
        retry_after_seconds=1.5,
        status_code=429,
        reason="too many requests",
        took_ms=120,
        at=AT,
    ),
    e.EffectDue(id="effect.due/pc.0.7.1/1795165200000", **OF_EFFECT),
    e.EffectRedrive(id="redrive/1", **OF_EFFECT, by="k_1"),
)
EFFECTS_MINIMAL: Final[tuple[msgspec.Struct, ...]] = (
    e.EffectRequested(id="pc.0.7.2", target=WEBHOOK, work=DELIVERY),
    e.EffectAttempted(id="pc.0.7.1/1/0e", **OF_EFFECT, attempt=1, outcome="done", at=AT),
)
