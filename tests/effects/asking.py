"""Effects to ask for in tests, and what has become of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.contracts.codec import encode
from app.domain.effects import EffectRequested, WebhookDelivery, webhook_target
from app.domain.streams import EFFECTS_REQUESTS
from tests.support.live import Live

PLATFORM: dict[str, Any] = {
    "effects": {
        "webhook.delivery": {"pauses_seconds": [0.2, 0.4, 0.8], "timeout_seconds": 2, "breaker_seconds": 0.5}
    }
}
"""Short pauses, so that tests see them."""


def delivery(url: str, endpoint: str, number: int, object_: str = "", **fields: Any) -> EffectRequested:
    work = WebhookDelivery(
        merchant_id="m-1",
        endpoint_id=endpoint,
        url=f"{url}/{endpoint}",
        event_id=f"ev-{endpoint}-{number}",
        event_type="payment.captured",
        body=f'{{"number":{number}}}',
    )
    target = webhook_target("m-1", endpoint)
    return EffectRequested(
        id=f"ef-{endpoint}-{number}", target=target, work=work, object=object_, seq=number, **fields
    )


async def ask(live: Live, effects: Sequence[EffectRequested]) -> None:
    await live.send(EFFECTS_REQUESTS, [(effect.target, encode(effect)) for effect in effects])


async def statuses(live: Live) -> dict[str, str]:
    rows = await live.pool.fetch("SELECT id, status FROM effects")
    return {row["id"]: row["status"] for row in rows}
