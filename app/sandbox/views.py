"""Objects as the PSP shows them: in answers, with their parts, and in webhooks, with our ids beside them."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from app.sandbox.books import Books
from app.sandbox.objects import Capture, Charge, Dispute, Metadata, Payout, Refund, Session, Thing

OUR_IDS: Final = ("merchant_id", "payment_id", "order_ref", "invoice_id")


def view(books: Books, thing: Thing, url: str) -> dict[str, Any]:
    """`url`: where the hosted pages are, without a slash at its end."""
    shown: dict[str, Any] = msgspec.to_builtins(thing, builtin_types=())
    shown.pop("due_at", None)
    if isinstance(thing, Session):
        shown["status"] = thing.status
        shown["url"] = f"{url}/pay/{thing.id}"
    elif isinstance(thing, Charge):
        shown |= {"status": thing.status, "capture": thing.capture}
        for name, kind in (("captures", Capture), ("refunds", Refund), ("disputes", Dispute)):
            shown[name] = [view(books, part, url) for part in books.parts(kind, thing.id)]
        if thing.status == "requires_action":
            shown["next_action_url"] = challenge_url(thing, url)
    elif isinstance(thing, Refund | Dispute | Payout):
        shown["status"] = thing.status
    return shown


def challenge_url(charge: Charge, url: str) -> str:
    return f"{url}/pay/{charge.id}/challenge"


def told(charge: Charge, part: Capture | Refund | Dispute | None = None, **more: Any) -> dict[str, Any]:
    """The data of a webhook about a charge, or about a part of it. None is left out."""
    amount = (part or charge).amount
    own = part.id if part is not None and part.id != charge.id else None
    data = {
        "psp_payment_id": charge.id,
        "psp_object_id": own,
        "amount": amount,
        "currency": charge.currency,
        "method": "card" if charge.token else None,
        **_named(charge.metadata, OUR_IDS),
        **_named(part.metadata if part is not None else {}, ("capture_id", "refund_id", "dispute_id")),
        **more,
    }
    return {name: value for name, value in data.items() if value is not None}


def told_payout(payout: Payout, **more: Any) -> dict[str, Any]:
    data = {
        "psp_payment_id": payout.id,
        "amount": payout.amount,
        "currency": payout.currency,
        **_named(payout.metadata, ("merchant_id", "payout_id")),
        **more,
    }
    return {name: value for name, value in data.items() if value is not None}


def _named(metadata: Metadata, names: tuple[str, ...]) -> dict[str, str]:
    return {name: metadata[name] for name in names if name in metadata}
