"""A merchant's webhook endpoints, out of the merchant's row."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from app.domain.webhook_endpoint import WebhookEndpoint
from app.store.errors import translated

_DECODER: Final = msgspec.json.Decoder(tuple[WebhookEndpoint, ...])


async def endpoints_of(pool: Any, merchant_id: str) -> tuple[WebhookEndpoint, ...]:
    """In the order of their creation; none for a merchant that is not known. Raises Transient."""
    with translated():
        text = await pool.fetchval(
            "SELECT state::json ->> 'endpoints' FROM merchants WHERE merchant_id = $1", merchant_id
        )
    return _DECODER.decode(text) if text else ()
