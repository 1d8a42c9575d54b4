"""Our calls in Stripe's parameters (docs.stripe.com/api). Amounts in Stripe's own units."""

from __future__ import annotations

from typing import Any, Final

from app.domain.psp_calls import PspCall, idempotency_key, metadata
from app.psp.reading import NotPayable, psp_units
from app.psp.stripe_objects import EXPONENTS

TENS: Final = ("BHD", "JOD", "KWD", "OMR", "TND")
"""Three decimals, the last of which has to be 0 (docs.stripe.com/currencies, "Three-decimal currencies")."""
WHOLE_PAYOUTS: Final = ("HUF", "TWD")
"""Paid out in whole units only (same page, "Special cases")."""
SESSION: Final = "cs_"


def units(call: PspCall) -> int:
    """Raises NotPayable."""
    step = 10 if call.currency in TENS else 1
    if call.operation == "payout" and call.currency in WHOLE_PAYOUTS:
        step = 100
    return psp_units(call.amount, call.currency, EXPONENTS, step)


def options(call: PspCall) -> Any:
    return {"idempotency_key": idempotency_key(call)}


def session(call: PspCall) -> Any:
    """A hosted page. Raises NotPayable without an address to come back to: Stripe wants one."""
    if call.return_url is None:
        raise NotPayable("a hosted page needs a return_url")
    product = {"name": call.description or call.order_ref or call.invoice_id or call.object_id}
    price = {"currency": call.currency.lower(), "unit_amount": units(call), "product_data": product}
    return {
        "mode": "payment",
        "line_items": [{"price_data": price, "quantity": 1}],
        "payment_intent_data": {"capture_method": _capture_method(call), **_about(call)},
        "metadata": metadata(call),
        "client_reference_id": call.object_id,
        "success_url": call.return_url,
        "cancel_url": call.return_url,
    }


def authorize(call: PspCall) -> Any:
    """Made and confirmed at once. Without an address to come back to no method that leads away is taken."""
    redirects = {"allow_redirects": "always" if call.return_url else "never"}
    return {
        "amount": units(call),
        "currency": call.currency.lower(),
        "capture_method": _capture_method(call),
        "confirm": True,
        "payment_method": call.payment_method,
        "automatic_payment_methods": {"enabled": True, **redirects},
        **({"return_url": call.return_url} if call.return_url else {}),
        **_about(call),
    }


def capture(call: PspCall) -> Any:
    """`final_capture` is left at true: Stripe lets go of the rest, and the sum received is this capture's."""
    return {"amount_to_capture": units(call), "metadata": metadata(call)}


def refund(call: PspCall, payment: str) -> Any:
    return {**of_payment(payment), "amount": units(call), "metadata": metadata(call)}


def of_payment(payment: str) -> dict[str, str]:
    """The payment's id under its parameter: payments of upstream's may be bare charges."""
    return {"charge" if payment.startswith(("ch_", "py_")) else "payment_intent": payment}


def payout(call: PspCall) -> Any:
    """From our balance at Stripe to an external account of it; `destination`: not its default one."""
    return {
        "amount": units(call),
        "currency": call.currency.lower(),
        **({"destination": call.destination} if call.destination else {}),
        **_about(call),
    }


def search(call: PspCall) -> str:
    """Stripe's query language: the payment with our ids."""
    named = {"merchant_id": call.merchant_id, "payment_id": call.payment_id or call.object_id}
    quoted = {name: value.replace("\\", "\\\\").replace("'", "\\'") for name, value in named.items()}
    return " AND ".join(f"metadata['{name}']:'{value}'" for name, value in quoted.items())


def _capture_method(call: PspCall) -> str:
    return "automatic" if call.capture else "manual"


def _about(call: PspCall) -> dict[str, Any]:
    described = {"description": call.description} if call.description else {}
    return {"metadata": metadata(call), **described}
