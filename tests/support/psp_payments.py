"""One payment's life as Stripe and as Adyen tell it: six webhooks each, in the shape of the real ones."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

Json = dict[str, Any]
BEGAN = 1_795_165_200
"""20 November 2026, 09:00 UTC."""
AMOUNT, REFUNDED, FEE = 12_345, 500, 1_500
DISPUTED = AMOUNT - REFUNDED


def our_ids(merchant_id: str, payment_id: str) -> dict[str, str]:
    """What we attach to a PSP's payment so that its webhooks name it."""
    return {"merchant_id": merchant_id, "payment_id": payment_id, "order_ref": f"o-{payment_id}"}


class StripePayment:
    """A payment captured by hand, refunded in part, disputed and won."""

    def __init__(self, number: int, metadata: dict[str, str] | None = None, currency: str = "eur") -> None:
        self.intent, self.charge = f"pi_{number:016}", f"ch_{number:016}"
        self.number, self.currency, self.metadata = number, currency, metadata or {}

    def six(self) -> list[Json]:
        """In the order in which they happened."""
        return [
            self.authorized(),
            self.intent_succeeded(),
            self.charge_captured(),
            self.refund_created(),
            self.dispute_created(),
            self.dispute_closed("won"),
        ]

    def event(self, kind: str, after_seconds: int, thing: Json) -> Json:
        return {
            "id": f"evt_{self.number:012}_{kind}",
            "object": "event",
            "api_version": "2024-06-20",
            "created": BEGAN + after_seconds,
            "data": {"object": thing},
            "livemode": False,
            "pending_webhooks": 2,
            "request": {"id": None, "idempotency_key": None},
            "type": kind,
        }

    def authorized(self) -> Json:
        thing = self._intent(status="requires_capture", amount_capturable=AMOUNT)
        return self.event("payment_intent.amount_capturable_updated", 1, thing)

    def intent_succeeded(self) -> Json:
        thing = self._intent(status="succeeded", amount_received=AMOUNT)
        return self.event("payment_intent.succeeded", 60, thing)

    def canceled(self, reason: str = "requested_by_customer") -> Json:
        thing = self._intent(status="canceled", cancellation_reason=reason)
        return self.event("payment_intent.canceled", 61, thing)

    def charge_captured(self) -> Json:
        thing = {
            "id": self.charge,
            "object": "charge",
            "amount": AMOUNT,
            "amount_captured": AMOUNT,
            "captured": True,
            "created": BEGAN,
            "currency": self.currency,
            "metadata": self.metadata,
            "payment_intent": self.intent,
            "payment_method_details": {"card": {"brand": "visa"}, "type": "card"},
            "status": "succeeded",
        }
        return self.event("charge.captured", 60, thing)

    def refund_created(self, status: str = "succeeded", kind: str = "refund.created") -> Json:
        thing = {
            "id": f"re_{self.number:016}",
            "object": "refund",
            "amount": REFUNDED,
            "charge": self.charge,
            "created": BEGAN + 120,
            "currency": self.currency,
            "metadata": {},
            "payment_intent": self.intent,
            "status": status,
        }
        return self.event(kind, 120, thing)

    def dispute_created(self) -> Json:
        return self.event("charge.dispute.created", 181, self._dispute("needs_response", [self._taken()]))

    def dispute_closed(self, status: str) -> Json:
        moved = [self._taken(), self._given_back()] if status == "won" else [self._taken()]
        return self.event("charge.dispute.closed", 240, self._dispute(status, moved))

    def _intent(self, **more: Any) -> Json:
        return {
            "id": self.intent,
            "object": "payment_intent",
            "amount": AMOUNT,
            "amount_capturable": 0,
            "amount_received": 0,
            "created": BEGAN,
            "currency": self.currency,
            "latest_charge": self.charge,
            "metadata": self.metadata,
            "payment_method_types": ["card"],
            **more,
        }

    def _dispute(self, status: str, moved: list[Json]) -> Json:
        return {
            "id": f"dp_{self.number:016}",
            "object": "dispute",
            "amount": DISPUTED,
            "balance_transactions": moved,
            "charge": self.charge,
            "created": BEGAN + 180,
            "currency": self.currency,
            "metadata": {},
            "payment_intent": self.intent,
            "reason": "fraudulent",
            "status": status,
        }

    def _taken(self) -> Json:
        return self._moved(-DISPUTED, FEE, 180)

    def _given_back(self) -> Json:
        return self._moved(DISPUTED, -FEE, 239)

    def _moved(self, amount: int, fee: int, after_seconds: int) -> Json:
        return {
            "id": f"txn_{self.number:012}_{after_seconds}",
            "object": "balance_transaction",
            "amount": amount,
            "created": BEGAN + after_seconds,
            "currency": self.currency,
            "fee": fee,
            "net": amount - fee,
            "type": "adjustment",
        }


class AdyenPayment:
    """A payment captured by hand, refunded in part, disputed and won, then lost."""

    def __init__(self, number: int, metadata: dict[str, str] | None = None, currency: str = "EUR") -> None:
        self.reference = f"PAY{number:013}"
        self.number, self.currency = number, currency
        self.metadata = {f"metadata.{name}": value for name, value in (metadata or {}).items()}

    def six(self) -> list[Json]:
        """In the order in which they happened."""
        return [
            self.item("AUTHORISATION", 1, self.reference, originalReference=""),
            self.item("CAPTURE", 60, f"CAP{self.number:013}"),
            self.item("REFUND", 120, f"REF{self.number:013}", REFUNDED),
            self.dispute("CHARGEBACK", 180, "Undefended"),
            self.dispute("CHARGEBACK_REVERSED", 240, "Pending"),
            self.dispute("SECOND_CHARGEBACK", 300, "Lost"),
        ]

    def dispute(self, code: str, after_seconds: int, status: str) -> Json:
        item = self.item(code, after_seconds, f"DIS{self.number:013}", DISPUTED)
        return {**item, "additionalData": {**item["additionalData"], "disputeStatus": status}}

    def item(self, code: str, after_seconds: int, reference: str, amount: int = AMOUNT, **more: Any) -> Json:
        return {
            "additionalData": dict(self.metadata),
            "amount": {"currency": self.currency, "value": amount},
            "eventCode": code,
            "eventDate": datetime.fromtimestamp(BEGAN + after_seconds, UTC).isoformat(),
            "merchantAccountCode": "TestMerchant",
            "merchantReference": f"o-{self.number}",
            "originalReference": self.reference,
            "operations": ["CANCEL", "CAPTURE", "REFUND"] if code == "AUTHORISATION" else [],
            "paymentMethod": "visa",
            "pspReference": reference,
            "reason": "",
            "success": "true",
            **more,
        }
