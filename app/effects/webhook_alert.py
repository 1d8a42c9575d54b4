"""The kind `alert.webhook`: one message to any HTTP server, signed as Standard Webhooks 1.0.0 says.

`webhook-id` is the message's id: the same in every repeat, whichever worker sends it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import msgspec
from standardwebhooks import Webhook

from app.domain.alert_delivery import AlertDelivery, WebhookAlert
from app.effects.alert_access import AlertAccess
from app.effects.alert_http import open_alert_session, post
from app.effects.kind import Attempt, Outcome
from app.errors import ConfigurationError

_ENCODE: Final = msgspec.json.Encoder(order="deterministic").encode


class WebhookAlerts:
    def __init__(self, access: AlertAccess, public_url: str) -> None:
        self._access = access
        self._public_url = public_url
        self._session = open_alert_session()

    async def perform(self, attempt: Attempt) -> Outcome:
        work = attempt.work
        if not isinstance(work, WebhookAlert):
            raise TypeError(f"{type(work).__name__} is no alert for a webhook")
        try:
            url, secret = self._access.url(work.channel), self._access.secret(work.channel)
            headers = signed(work, webhook_body(work, self._public_url), secret, datetime.now(UTC))
        except (ConfigurationError, ValueError) as fault:  # ValueError: a secret that is no base64
            return Outcome(outcome="failed", reason=_said(fault))
        return await post(self._session, url, webhook_body(work, self._public_url), headers)

    async def close(self) -> None:
        await self._session.close()


def webhook_body(work: AlertDelivery, public_url: str) -> bytes:
    """The same bytes in every attempt."""
    message = work.message
    data = {
        **msgspec.to_builtins(message),
        "tried": list(work.tried),
        "because": work.because,
        "link": f"{public_url}/alerts",
    }
    return _ENCODE({"type": f"alert.{message.what}", "timestamp": message.at, "data": data})


def signed(work: AlertDelivery, body: bytes, secret: str, now: datetime) -> dict[str, str]:
    name = work.message.message_id
    return {
        "webhook-id": name,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign(name, now, body.decode()),
    }


def _said(fault: Exception) -> str:
    return str(fault) if isinstance(fault, ConfigurationError) else "the channel's secret cannot be read"
