"""What the set of a payment's facts says about it: mismatches and flags that open, and resolve by themselves.

A flag stands exactly as long as its mismatch is open, so nothing is looked up to know that.
"""

from typing import Any, Final

from msgspec.structs import replace

from app.domain.decision import Draft
from app.domain.dedup import Figures, same_figures
from app.domain.mismatch import Category
from app.domain.mismatches import id_in, open_mismatch, resolve_mismatch
from app.domain.payment import (
    AUTHORIZATION_DIFFERS,
    CURRENCY_MISMATCH,
    FIGURES_DIFFER,
    OURS,
    REFUND_EXCEEDS_CAPTURE,
    STATUS_MISMATCH,
    Payment,
    Status,
    with_flag,
)

_ENDED: Final[tuple[Status, ...]] = ("voided", "expired")
_FIGURE_CATEGORIES: Final[tuple[Category, ...]] = ("AMOUNT_OVER", "AMOUNT_UNDER", "CURRENCY_MISMATCH")


def judged(draft: Draft, payment: Payment) -> Payment:
    """The payment with the flags that its facts support now. Cheap to skip for a first, lone capture."""
    payment = _one_currency(draft, _refund_limit(draft, payment))
    return _one_status(draft, _one_authorization(draft, payment)) if payment.facts else payment


def flagged(payment: Payment, flag: str, present: bool = True) -> Payment:
    flags = with_flag(payment.flags, flag, present)
    return payment if flags == payment.flags else replace(payment, flags=flags)


def figures_differ(
    draft: Draft, payment: Payment, kind: str, object_id: str, ours: Figures, psps: Figures
) -> Payment:
    """Our record and the PSP's differ; the PSP's stands. Stays open until a person has looked at it."""
    _show_figures(draft, payment, kind, object_id, ours, psps)
    return flagged(payment, FIGURES_DIFFER)


def _show_figures(
    draft: Draft, payment: Payment, kind: str, object_id: str, ours: Figures, psps: Figures
) -> None:
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
        _category(ours, psps),
        [payment.id, kind, object_id],
        currency=psps.currency,
        expected_amount=ours.amount,
        actual_amount=psps.amount,
        explanation=explanation,
    )


def _category(ours: Figures, psps: Figures) -> Category:
    if ours.currency != psps.currency:
        return "CURRENCY_MISMATCH"
    return "AMOUNT_OVER" if psps.amount > ours.amount else "AMOUNT_UNDER"


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


def _one_status(draft: Draft, payment: Payment) -> Payment:
    """Money was taken of a payment whose authorisation had ended: posted, and shown.

    That we voided the rest, once it had lapsed, is no contradiction.
    """
    ended = [one for one in _ENDED if payment.has(one) and not (one == "voided" and payment.lapsed)]
    mismatched = bool(payment.captures and ended)
    if mismatched:
        _open(
            draft,
            payment,
            "STATUS_MISMATCH",
            [payment.id],
            currency=payment.currency,
            actual_amount=payment.captured_amount,
            explanation={"rule": "no capture beside voided or expired", "facts": ["captured", *ended]},
        )
    elif STATUS_MISMATCH in payment.flags:
        _resolve(draft, "STATUS_MISMATCH", payment, "its facts agree")
    return flagged(payment, STATUS_MISMATCH, mismatched)


def _one_authorization(draft: Draft, payment: Payment) -> Payment:
    """Our record of an authorisation and the PSP's latest: the PSP's stands, the difference is shown."""
    psps, ours = payment.facts.get("authorized"), payment.facts.get(f"authorized{OURS}")
    shown: Category | None = None
    if psps is not None and ours is not None and not same_figures(psps, ours):
        shown = _category(ours, psps)
        _show_figures(draft, payment, "authorization", payment.id, ours, psps)
    if AUTHORIZATION_DIFFERS in payment.flags:
        for category in _FIGURE_CATEGORIES:
            if category != shown:
                key = id_in(draft, "M", category, [payment.id, "authorization", payment.id])
                resolve_mismatch(draft, key, "another word of the PSP's has come")
    return flagged(payment, AUTHORIZATION_DIFFERS, shown is not None)


def _totals(payment: Payment) -> dict[str, int]:
    """Currency -> what its captures, refunds and disputes moved, minor units, all counted as they are."""
    totals: dict[str, int] = {}
    refunds = [refund for refund in payment.refunds.values() if not refund.failed]
    facts: list[Figures] = [*payment.captures.values(), *refunds, *payment.disputes.values()]
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
