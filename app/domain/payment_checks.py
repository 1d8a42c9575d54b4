"""What the set of a payment's facts says about it: mismatches and flags that open, and resolve by themselves.

A flag stands exactly as long as its mismatch is open, so nothing is looked up to know that.
"""

from typing import Any

from msgspec.structs import replace

from app.domain.decision import Draft
from app.domain.dedup import Figures
from app.domain.mismatch import Category
from app.domain.mismatches import id_in, open_mismatch, resolve_mismatch
from app.domain.payment import (
    CURRENCY_MISMATCH,
    FIGURES_DIFFER,
    REFUND_EXCEEDS_CAPTURE,
    Payment,
    with_flag,
)


def judged(draft: Draft, payment: Payment) -> Payment:
    """The payment with the flags that its facts support now. Cheap to skip for a first, lone capture."""
    return _one_currency(draft, _refund_limit(draft, payment))


def flagged(payment: Payment, flag: str, present: bool = True) -> Payment:
    flags = with_flag(payment.flags, flag, present)
    return payment if flags == payment.flags else replace(payment, flags=flags)


def figures_differ(
    draft: Draft, payment: Payment, kind: str, object_id: str, ours: Figures, psps: Figures
) -> Payment:
    """Our record and the PSP's differ; the PSP's stands. Stays open until a person has looked at it."""
    category: Category = "AMOUNT_OVER" if psps.amount > ours.amount else "AMOUNT_UNDER"
    if ours.currency != psps.currency:
        category = "CURRENCY_MISMATCH"
    explanation = {
        "rule": "the PSP's figure is the money",
        "kind": kind,
        "object_id": object_id,
        "ours": {"amount": ours.amount, "currency": ours.currency},
        "psps": {"amount": psps.amount, "currency": psps.currency},
    }
    _open(
        draft,
        payment,
        category,
        [payment.id, kind, object_id],
        currency=psps.currency,
        expected_amount=ours.amount,
        actual_amount=psps.amount,
        explanation=explanation,
    )
    return flagged(payment, FIGURES_DIFFER)


def _refund_limit(draft: Draft, payment: Payment) -> Payment:
    captured, out = payment.captured_amount, payment.refunded_amount + payment.disputed_amount
    exceeds = out > captured
    if exceeds:
        _open(
            draft,
            payment,
            "REFUND_EXCEEDS_CAPTURE",
            [payment.id],
            currency=payment.currency,
            expected_amount=captured,
            actual_amount=out,
            explanation={"rule": "refunded + disputed <= captured"},
        )
    elif REFUND_EXCEEDS_CAPTURE in payment.flags:
        _resolve(draft, "REFUND_EXCEEDS_CAPTURE", payment, f"{out} of {captured} are refunded or disputed")
    return flagged(payment, REFUND_EXCEEDS_CAPTURE, exceeds)


def _one_currency(draft: Draft, payment: Payment) -> Payment:
    mixed = payment.is_mixed
    if mixed:
        totals = _totals(payment)
        foreign = min(set(totals) - {payment.currency})
        _open(
            draft,
            payment,
            "CURRENCY_MISMATCH",
            [payment.id],
            currency=foreign,
            actual_amount=totals[foreign],
            explanation={"rule": "one payment, one currency", "payment": payment.currency, "totals": totals},
        )
    elif CURRENCY_MISMATCH in payment.flags:
        _resolve(draft, "CURRENCY_MISMATCH", payment, f"every fact is in {payment.currency}")
    return flagged(payment, CURRENCY_MISMATCH, mixed)


def _totals(payment: Payment) -> dict[str, int]:
    """Currency -> what its captures and refunds moved, minor units, refunds counted as they are."""
    totals: dict[str, int] = {}
    facts: list[Figures] = [*payment.captures.values(), *payment.refunds.values()]
    for fact in facts:
        totals[fact.currency] = totals.get(fact.currency, 0) + fact.amount
    return dict(sorted(totals.items()))


def _open(draft: Draft, payment: Payment, category: Category, subjects: list[str], **figures: Any) -> None:
    open_mismatch(
        draft,
        leg="M",
        category=category,
        merchant_id=payment.merchant_id,
        psp=payment.psp,
        payment_id=payment.id,
        subject_ids=subjects,
        **figures,
    )


def _resolve(draft: Draft, category: Category, payment: Payment, reason: str) -> None:
    resolve_mismatch(draft, id_in(draft, "M", category, [payment.id]), reason)
