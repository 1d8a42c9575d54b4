"""The one guard over all money that goes out to or for a merchant: refunds, payouts, later disputes.

A request has to fit; a fact may force a balance below the merchant's limit, and then NEGATIVE_BALANCE is
open until it is back above.
"""

from msgspec.structs import replace

from app.domain.decision import Draft, Refused
from app.domain.merchant import Merchant, known_merchant, merchant_ref
from app.domain.mismatches import id_in, open_mismatch, resolve_mismatch
from app.domain.payment import Payment
from app.domain.postings import available, pending


def total_balance(draft: Draft, merchant_id: str, currency: str) -> int:
    """Available plus pending, minor units; what is on its way out has left both."""
    return draft.balance(available(merchant_id), currency) + draft.balance(pending(merchant_id), currency)


def refundable(payment: Payment) -> int:
    """What a request may still refund, minor units of the payment's currency."""
    return payment.captured_amount - payment.refunded_amount - payment.disputed_amount


def require_refundable(draft: Draft, payment: Payment, amount: int) -> None:
    """Raises Refused where the refund would exceed the captures or what the merchant may owe.

    A split payment's refund is its sellers', whose lanes it reaches as a fact.
    """
    left = refundable(payment)
    if amount > left:
        raise Refused("refund_exceeds_captured", f"{left} {payment.currency} of {payment.id} can be refunded")
    if payment.parts:
        return
    limit = known_merchant(draft, payment.merchant_id).negative_limit
    balance = total_balance(draft, payment.merchant_id, payment.currency)
    if balance - amount < -limit:
        raise Refused("insufficient_funds", f"the balance is {balance} {payment.currency}, limit -{limit}")


def require_available(draft: Draft, merchant_id: str, amount: int, currency: str) -> None:
    """Raises Refused where a payout would take more than is available; pending money does not count."""
    balance = draft.balance(available(merchant_id), currency)
    if amount > balance:
        raise Refused("insufficient_funds", f"{balance} {currency} are available")


def with_currency(draft: Draft, merchant: Merchant, currency: str) -> Merchant:
    """The merchant, who has a balance in `currency` from now on."""
    if currency not in merchant.currencies:
        merchant = replace(merchant, currencies=tuple(sorted({*merchant.currencies, currency})))
        draft.put(merchant_ref(merchant.merchant_id), merchant)
    return merchant


def watch_balance(draft: Draft, merchant_id: str, currency: str) -> None:
    """Open, update or resolve NEGATIVE_BALANCE after a fact that moved the merchant's money."""
    merchant = with_currency(draft, known_merchant(draft, merchant_id), currency)
    balance = total_balance(draft, merchant_id, currency)
    if balance < -merchant.negative_limit:
        _open(draft, merchant, currency, balance)
    elif currency in merchant.negative:
        key = id_in(draft, "M", "NEGATIVE_BALANCE", [merchant_id, currency])
        resolve_mismatch(draft, key, f"the balance is {balance} minor units again")
        _keep(draft, merchant, set(merchant.negative) - {currency})


def _open(draft: Draft, merchant: Merchant, currency: str, balance: int) -> None:
    open_mismatch(
        draft,
        leg="M",
        category="NEGATIVE_BALANCE",
        merchant_id=merchant.merchant_id,
        currency=currency,
        expected_amount=-merchant.negative_limit,
        actual_amount=balance,
        explanation={"rule": "available + pending >= -negative_limit", "merchant_version": merchant.version},
        subject_ids=[merchant.merchant_id, currency],
    )
    if currency not in merchant.negative:
        _keep(draft, merchant, {*merchant.negative, currency})


def _keep(draft: Draft, merchant: Merchant, negative: set[str]) -> None:
    draft.put(merchant_ref(merchant.merchant_id), replace(merchant, negative=tuple(sorted(negative))))
