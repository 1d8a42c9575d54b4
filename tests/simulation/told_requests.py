"""Stories of money that is asked for: a payment, of one seller or several, its captures, void and refunds.

What comes of them is the simulated PSP's to say (`psp.py`); requests may come before what they speak of.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from tests.simulation.generator import Generator

PSP: Final = "desk"


def tell(told: Generator, place: float) -> None:
    rng = told.rng
    merchant, payment = rng.choice(told.merchants), told.new_id("asked-")
    amount, currency = 100 + int(rng.random() * 20_000), rng.choice(("EUR", "EUR", "USD"))
    manual = told.chance(0.5)
    create: dict[str, Any] = {
        "payment_id": payment,
        "amount": amount,
        "currency": currency,
        "capture_method": "manual" if manual else "automatic",
        "payment_method": "tok_1",
    }
    if told.chance(0.4):
        create["line_items"] = _items(told, amount)
    told.command(place, "payment.create", merchant, **create)
    for _ in range(int(rng.random() * 4) if manual else 0):
        money = {"amount": 1 + int(rng.random() * amount), "currency": currency}
        told.command(
            place + 0.03,
            "payment.capture",
            merchant,
            payment_id=payment,
            capture_id=told.new_id("cap-"),
            **money,
        )
    if told.chance(0.15):
        told.command(place + 0.04, "payment.void", merchant, payment_id=payment)
    for _ in range(int(rng.random() * 3)):
        money = {"amount": 1 + int(rng.random() * amount), "currency": currency}
        told.command(
            place + 0.06,
            "refund.create",
            merchant,
            payment_id=payment,
            refund_id=told.new_id("re-"),
            **money,
        )


def _items(told: Generator, amount: int) -> list[dict[str, Any]]:
    """Sums to the whole, mostly."""
    first = 1 + int(told.rng.random() * (amount - 1))
    sellers = [told.rng.choice(told.merchants) for _ in range(2)]
    rest = amount - first + told.contradicts(0.05)
    return [
        {"merchant_id": seller, "amount": part}
        for seller, part in zip(sellers, (first, rest), strict=True)
        if part
    ]
