"""Stories of payments: captures, what happens short of one, refunds, disputes, the lines that settle them.

A payment is known by the PSP's id, by our references, or by both; an order may have several payments.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tests.simulation import told_webhooks
from tests.simulation.told_lines import Thing, tell_lines

if TYPE_CHECKING:
    from tests.simulation.generator import Generator

CURRENCIES: Final = ("EUR", "EUR", "USD", "JPY")
PSPS: Final = ("stripe", "adyen", "paypal", "sandbox", "sandbox", "sandbox")
WHEN: Final = ("2026-11-19T22:15:00Z", "2026-11-20T08:00:00Z", "2026-11-20T09:00:00Z")
ROUND: Final = (1_000, 2_500, 4_000)
"""Amounts that many payments have, so that amounts alone often fit several."""
SHORT_OF_A_CAPTURE: Final = ("authorized", "authorized", "action_required", "failed", "voided", "expired")


class Payment(NamedTuple):
    """`reference`: our order, which several payments may share; None: the PSP's id is all there is."""

    merchant: str
    id: str
    psp: str
    psp_id: str | None
    reference: str | None
    invoice: str | None
    currency: str

    @property
    def names(self) -> dict[str, Any]:
        """The fields that say which payment it is."""
        named = {"psp_payment_id": self.psp_id, "order_ref": self.reference, "invoice_id": self.invoice}
        known = {name: value for name, value in named.items() if value is not None}
        return {"payment_id": self.id, "currency": self.currency, "psp": self.psp, **known}


def tell(told: Generator, place: float) -> None:
    """One payment with everything that happened to it, told by upstream, by its PSP, or by both."""
    rng = told.rng
    payment = _payment(told)
    if told.chance(0.3):
        report(told, place - 0.01, payment, rng.choice(SHORT_OF_A_CAPTURE), _amount(told))
    if told.chance(0.06):
        return
    for index in range(1 if told.chance(0.8) else 2 + int(rng.random() * 2)):
        _tell_capture(told, place, payment, index)


def _payment(told: Generator) -> Payment:
    rng = told.rng
    name, merchant, psp = told.new_id("pay-"), rng.choice(told.merchants), rng.choice(PSPS)
    chance = rng.random()
    reference = f"o-{told.last_id}" if chance < 0.35 else None
    if reference is not None and told.chance(0.2):
        reference = f"o-shared-{told.last_id // 40}"
    psp_id = None if reference is not None and chance < 0.13 else f"pi_{name}"
    invoice = f"INV-{told.last_id // 12}" if told.chance(0.12) else None
    return Payment(merchant, name, psp, psp_id, reference, invoice, rng.choice(CURRENCIES))


def _amount(told: Generator) -> int:
    return told.rng.choice(ROUND) if told.chance(0.15) else 100 + int(told.rng.random() * 20_000)


def _tell_capture(told: Generator, place: float, payment: Payment, index: int) -> None:
    ids: dict[str, Any] = {}
    amount = _amount(told)
    object_id = payment.psp_id
    if index:
        object_id = f"{payment.psp_id}.{index}" if payment.psp_id else None
        ids = {"capture_id": f"{payment.id}.{index}", "psp_capture_id": object_id}
    if payment.invoice and told.chance(0.6):
        ids["payer"] = {"tax_id": f"T{told.last_id % 2}"}
    _report_capture(told, place, payment, amount, ids)
    if "payer" in ids and told.chance(0.5):
        _look_alike(told, place, payment, amount, ids)
    thing = Thing(payment.psp, object_id, payment.reference, "capture", amount, payment.currency)
    if told.chance(0.5):
        tell_lines(told, place + 0.02, thing)
    if told.chance(0.3):
        _tell_refunds(told, place + 0.03, payment, amount)
    if told.chance(0.15) and not (told.orderly and index):
        _tell_dispute(told, place + 0.04, payment, thing)


def _look_alike(told: Generator, place: float, payment: Payment, amount: int, ids: dict[str, Any]) -> None:
    """Another payment that looks like this one to a person."""
    name = told.new_id("pay-")
    other = payment._replace(id=name, psp_id=f"pi_{name}")
    named = {"capture_id": name, "psp_capture_id": f"pi_{name}"} if "capture_id" in ids else {}
    report(told, place + 0.02, other, "captured", amount, **{**ids, **named})


def _report_capture(
    told: Generator, place: float, payment: Payment, amount: int, ids: dict[str, Any]
) -> None:
    """Under the PSP's id, or first under ours alone and later under the PSP's as well."""
    chance = told.rng.random()
    if chance < 0.1 and payment.psp_id is not None and "capture_id" not in ids:
        ours = payment._replace(psp_id=None, reference=payment.reference or f"o-{told.last_id}")
        report(told, place, ours, "captured", amount, **ids)
        if chance < 0.06:
            report(told, place + 0.03, payment, "captured", amount + told.contradicts(0.5), **ids)
    else:
        report(told, place, payment, "captured", amount, **ids)


def report(told: Generator, place: float, payment: Payment, kind: str, amount: int, **ids: Any) -> None:
    """A fact, by upstream's record, by the PSP's webhook, or by both; `ids`: the object's own names."""
    occurred_at = told.rng.choice(WHEN)
    by_webhook = payment.psp == "sandbox" and payment.psp_id is not None and told.chance(0.7)
    if by_webhook:
        told_webhooks.tell(told, place + 0.01, payment, kind, amount, ids, occurred_at)
    if not by_webhook or told.chance(0.4):
        fields = payment.names | ids
        if kind.startswith(("refund", "dispute")):
            for name in ("psp", "psp_payment_id", "order_ref", "invoice_id"):
                fields.pop(name, None)
        fields = {name: value for name, value in fields.items() if value is not None}
        record = told_webhooks.RECORDS[kind]
        told.command(place, record, payment.merchant, amount=amount, occurred_at=occurred_at, **fields)


def _tell_refunds(told: Generator, place: float, payment: Payment, amount: int) -> None:
    for _ in range(1 + int(told.rng.random() * 2)):
        refund = told.new_id("re-")
        part = 1 + int(told.rng.random() * amount * 1.2)
        chance = told.rng.random()
        asked = {
            "payment_id": payment.id,
            "refund_id": refund,
            "amount": part,
            "currency": payment.currency,
        }
        if chance < 0.55 and not told.orderly:
            told.command(place, "refund.create", payment.merchant, **asked)
        if chance > 0.35:
            ids = {"refund_id": refund, "psp_refund_id": f"re_{refund}"}
            report(told, place + 0.02, payment, "refunded", part, **ids)
            if told.chance(0.15):
                report(told, place + 0.03, payment, "refund_failed", part, **ids)
            if told.chance(0.4):
                thing = Thing(
                    payment.psp, f"re_{refund}", payment.reference, "refund", -part, payment.currency
                )
                tell_lines(told, place + 0.04, thing)


def _tell_dispute(told: Generator, place: float, payment: Payment, of: Thing) -> None:
    """Announced or only settled; won, lost, or first the one and then the other."""
    dispute = told.new_id("dp-")
    part = of.gross if told.chance(0.7) else 1 + int(told.rng.random() * of.gross)
    ids: dict[str, Any] = {"dispute_id": dispute, "psp_dispute_id": f"dp_{dispute}"}
    chance = told.rng.random()
    if chance < 0.7:
        report(told, place, payment, "dispute_opened", part, fee=15, **ids)
    if 0.2 < chance < 0.5:
        report(told, place + 0.02, payment, "dispute_won", part, **ids)
    if 0.4 < chance < 0.65:
        report(told, place + 0.03, payment, "dispute_lost", part, **ids)
    if told.chance(0.5):
        own = f"dp_{dispute}" if told.chance(0.5) else of.object_id
        line = Thing(payment.psp, own, payment.reference, "chargeback", -part, payment.currency)
        tell_lines(told, place + 0.04, line)
    if 0.2 < chance < 0.5 and told.chance(0.4):
        back = Thing(
            payment.psp, f"dp_{dispute}", payment.reference, "chargeback_reversal", part, payment.currency
        )
        tell_lines(told, place + 0.05, back)
