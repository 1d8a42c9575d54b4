"""Webhooks as PSPs send them: real-shaped bodies, rightly signed."""

from __future__ import annotations

import base64
import hmac
import json
from typing import Any, NamedTuple

STRIPE_SECRET = "whsec_of_the_tests_and_no_one_else"
ADYEN_SECRET = "44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056"
SANDBOX_SECRET = "whsec_" + base64.b64encode(b"twenty-four bytes of key").decode()
Json = dict[str, Any]


class Delivery(NamedTuple):
    """One request: header names in lower case."""

    psp: str
    headers: dict[str, str]
    body: bytes


def encoded(document: Any) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode()


def stripe_delivery(event: Json | bytes, at: int, secret: str = STRIPE_SECRET) -> Delivery:
    """`at`: epoch seconds of the signature."""
    body = event if isinstance(event, bytes) else encoded(event)
    signature = hmac.new(secret.encode(), b"%d." % at + body, "sha256").hexdigest()
    return Delivery("stripe", {"stripe-signature": f"t={at},v1={signature}"}, body)


def adyen_delivery(*items: Json, secret: str = ADYEN_SECRET) -> Delivery:
    wrapped = [{"NotificationRequestItem": _signed(item, secret)} for item in items]
    return Delivery("adyen", {}, encoded({"live": "false", "notificationItems": wrapped}))


def _signed(item: Json, secret: str) -> Json:
    names = ("pspReference", "originalReference", "merchantAccountCode", "merchantReference")
    amount = item["amount"]
    fields = [item.get(name, "") for name in names]
    fields += [str(amount["value"]), amount["currency"], item["eventCode"], item["success"]]
    digest = hmac.digest(bytes.fromhex(secret), ":".join(fields).encode(), "sha256")
    more = {**item.get("additionalData", {}), "hmacSignature": base64.b64encode(digest).decode()}
    return {**item, "additionalData": more}


def sandbox_delivery(
    event: Json, at: int, message_id: str = "msg_1", secret: str = SANDBOX_SECRET
) -> Delivery:
    body = encoded(event)
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.digest(key, f"{message_id}.{at}.".encode() + body, "sha256")
    headers = {
        "webhook-id": message_id,
        "webhook-timestamp": str(at),
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }
    return Delivery("sandbox", headers, body)
