"""Facts and endpoints told to the merchant lane of a running program."""

from __future__ import annotations

from typing import Any, Final

import msgspec
import orjson

from app.domain.streams import PAYMENTS_COMMANDS
from app.effects.secrets import EndpointSecrets
from tests.effects.workers import SETTINGS
from tests.support.facts import MERCHANT
from tests.support.live import Live

WITHIN_SECONDS: Final = 60.0
SECRETS: Final = EndpointSecrets(SETTINGS["TALLYSTICK_WEBHOOK_SIGNING_SECRET"])
"""Those of the workers."""


def document(record: Any) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(msgspec.json.encode(record))
    return found


def endpoint(verb: str, endpoint_id: str, **fields: Any) -> dict[str, Any]:
    known = {"type": f"webhook_endpoint.{verb}", "id": f"{verb}-{endpoint_id}", "merchant_id": MERCHANT}
    return {**known, "endpoint_id": endpoint_id, **fields}


async def tell(live: Live, *records: dict[str, Any]) -> None:
    await live.send(PAYMENTS_COMMANDS, [(MERCHANT, record) for record in records])
