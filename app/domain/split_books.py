"""What a split payment's postings are made of: the usual legs, with the clearing account in its place."""

from typing import Final

from app.domain.accounts import prefix
from app.domain.decision import Leg
from app.domain.fees import Fees
from app.domain.payment import Payment
from app.domain.postings import Legs
from app.domain.split import Parent, shares, transit

_SELLERS: Final = ("m_pend", "m_avail")
_PSPS: Final = ("psp_recv",)


def is_split(payment: Payment | None) -> bool:
    return payment is not None and (bool(payment.parts) or payment.parent is not None)


def own_fees(payment: Payment | None, fees: Fees) -> Fees:
    """The sellers pay the platform's fee, by a plan each; what the PSP charges is the platform's."""
    if payment is None or not is_split(payment):
        return fees
    return Fees(0, fees.psp, 0) if payment.parts else Fees(fees.platform, None, 0)


def own_legs(payment: Payment | None, legs: Legs) -> Legs:
    """A split payment's money is its sellers'; a seller's comes from there, not from the PSP."""
    if payment is None or not is_split(payment):
        return legs
    parent = payment.parent or Parent(payment.merchant_id, payment.id)
    replaced = _SELLERS if payment.parts else _PSPS
    return [_through(leg, replaced, transit(parent)) for leg in legs]


def own_pending(payment: Payment | None, pending: int) -> int:
    """Nothing of a split payment is pending with its merchant: it is with the sellers."""
    return 0 if payment is not None and payment.parts else pending


def refund_shares(payment: Payment, amount: int) -> tuple[tuple[str, int], ...]:
    """(seller's order, amount) of a refund of the whole, in the ratio of what is left of each."""
    left = {part.payment_id: 0 for part in payment.parts}
    for capture in payment.captures.values():
        for part, share in zip(payment.parts, shares(payment.parts, capture.amount), strict=True):
            left[part.payment_id] += share
    for refund in payment.refunds.values():
        for order, share in refund.shares:
            left[order] -= 0 if refund.failed else share
    amounts = shares(payment.parts, amount, [max(0, one) for one in left.values()])
    return tuple([(order, share) for order, share in zip(left, amounts, strict=True) if share])


def _through(leg: Leg, replaced: tuple[str, ...], account: str) -> Leg:
    return leg._replace(account=account) if prefix(leg.account) in replaced else leg
