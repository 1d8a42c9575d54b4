"""Adyen's notification items: their shape, the fields that are signed, and Adyen's notion of minor units."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from app.domain.psp_facts import PspFact, PspFactKind
from app.psp.adapter import Unreadable
from app.psp.reading import decode, fact, minor_units, ours

NAME: Final = "adyen"
EXPONENTS: Final = {"CLP": 2, "CVE": 0, "IDR": 0, "ISK": 2}
"""Where Adyen's decimals are not ISO 4217's (docs.adyen.com/development-resources/currency-codes: "differs
from standard")."""
METADATA: Final = "metadata."
REFERENCES: Final = {"capture": "capture_id:", "refund": "refund_id:"}
"""How the references of our modifications begin: Adyen gives them back, but no metadata."""
PAYOUT_REFERENCE: Final = "payout_id:"
TRUE: Final = "true"


class Amount(msgspec.Struct, frozen=True):
    value: int
    currency: str


class SignedItem(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What Adyen signs of an item, and the signature."""

    psp_reference: str
    original_reference: str | None = None
    merchant_account_code: str | None = None
    merchant_reference: str | None = None
    amount: Amount
    event_code: str
    success: str
    additional_data: dict[str, Any] | None = None

    @property
    def additional(self) -> dict[str, Any]:
        return self.additional_data or {}

    @property
    def signature(self) -> str:
        found = self.additional.get("hmacSignature")
        return found if isinstance(found, str) else ""

    @property
    def signed(self) -> bytes | None:
        """The fields joined by colons, raw; None where a colon inside one would make two readings of it.

        Only `merchantReference` may hold colons: with the fields around it free of them there is one reading.
        """
        before = (self.psp_reference, self.original_reference or "", self.merchant_account_code or "")
        after = (str(self.amount.value), self.amount.currency, self.event_code, self.success)
        if any(":" in field for field in (*before, *after)):
            return None
        return ":".join((*before, self.merchant_reference or "", *after)).encode("utf-8", "surrogatepass")


class Item(SignedItem, frozen=True, kw_only=True, rename="camel"):
    event_date: datetime
    reason: str | None = None
    operations: list[str] | None = None
    payment_method: str | None = None

    @property
    def event_id(self) -> str:
        """Adyen gives none: an event is known by its reference, its code and its outcome.

        (docs.adyen.com/development-resources/webhooks/handle-webhook-events: "Handle duplicates")
        """
        return f"{self.psp_reference}:{self.event_code}:{self.success}"

    @property
    def payment(self) -> str:
        """The payment's PSP reference: the original's for everything that follows a payment."""
        if not self.original_reference:
            raise Unreadable(f"originalReference: missing in {self.event_code} {self.psp_reference}")
        return self.original_reference


class Wrapped(msgspec.Struct, frozen=True):
    NotificationRequestItem: msgspec.Raw


class Notification(msgspec.Struct, frozen=True, rename="camel"):
    """A list of items, or (`event_code`) one that came bare, or (`type`) another kind of webhook."""

    notification_items: list[Wrapped] = []
    event_code: str | None = None
    type: str | None = None
    SaleToPOIRequest: Any = None


def raw_items(body: bytes) -> list[bytes | msgspec.Raw]:
    """The items of a delivery; none where it is another kind of webhook. Raises Unreadable."""
    delivery = decode(body, Notification)
    if delivery.event_code is not None:
        return [body]
    return [wrapped.NotificationRequestItem for wrapped in delivery.notification_items]


def adyen_fact(
    kind: PspFactKind, item: Item, psp_payment_id: str, own_id: str = "", **fields: Any
) -> PspFact:
    """A fact of Adyen's in ISO units; our ids are those that we gave the payment as `metadata`."""
    metadata: Mapping[str, Any] = {
        **own_id_of(item),
        **{
            name.removeprefix(METADATA): value
            for name, value in item.additional.items()
            if name.startswith(METADATA)
        },
    }
    currency = item.amount.currency
    return fact(
        kind=kind,
        psp=NAME,
        psp_payment_id=psp_payment_id,
        amount=minor_units(item.amount.value, currency, EXPONENTS),
        currency=currency,
        occurred_at=item.event_date,
        **ours(metadata, own_id) | fields,
    )


def own_id_of(item: Item) -> dict[str, str]:
    """Our id of the capture or refund, where it was our request: its reference comes back with the item."""
    name, colon, value = (item.merchant_reference or "").partition(":")
    return {name: value} if f"{name}{colon}" in REFERENCES.values() and value else {}
