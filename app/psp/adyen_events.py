"""Which of Adyen's event codes say what (docs.adyen.com/development-resources/webhooks/webhook-types).

`success` false on a modification means that it was refused and nothing happened; on an authorisation or a
refund it is itself the news. All events of one dispute carry the dispute's reference as `pspReference` and
the payment's as `originalReference` (docs.adyen.com/risk-management/disputes-api/dispute-notifications);
where the latter is left out, the one reference stands for both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from app.domain.psp_facts import PspFact, PspFactKind
from app.psp.adapter import EventIgnored, Unreadable
from app.psp.adyen_items import TRUE, Item, adyen_fact

DECIDED_AGAINST_US: Final = ("Lost", "Accepted", "Expired")
"""`disputeStatus` of a chargeback that can no longer be won."""


def authorisation(item: Item) -> list[PspFact]:
    if item.amount.value == 0:
        raise EventIgnored(f"AUTHORISATION {item.psp_reference}: of nothing, to store a card")
    payment, method = item.psp_reference, item.payment_method
    if item.success != TRUE:
        return [adyen_fact("failed", item, payment, reason=item.reason, method=method)]
    order = _order_ref(item)
    authorized = adyen_fact("authorized", item, payment, order_ref=order, method=method)
    if not _captured_at_once(item):
        return [authorized]
    return [authorized, adyen_fact("captured", item, payment, "capture_id", order_ref=order, method=method)]


def _order_ref(item: Item) -> str | None:
    """A payment that we asked for names its order in the metadata; one of upstream's is its reference."""
    named: str | None = item.additional.get("metadata.order_ref")
    is_ours = item.additional.get("metadata.payment_id")
    return named or (None if is_ours else item.merchant_reference or None)


def _captured_at_once(item: Item) -> bool:
    if item.operations and "CAPTURE" not in item.operations:
        return True
    return str(item.additional.get("captureDelayHours")) == "0"


def capture(item: Item) -> list[PspFact]:
    return [adyen_fact("captured", item, item.payment, "capture_id", method=item.payment_method)]


def capture_failed(item: Item) -> list[PspFact]:
    """The money that CAPTURE reported never came: taken back like a refund, under the capture's reference."""
    reason = f"capture failed: {item.reason or 'no reason given'}"
    return [adyen_fact("refunded", item, item.payment, psp_object_id=item.psp_reference, reason=reason)]


def voided(item: Item) -> list[PspFact]:
    return [adyen_fact("voided", item, item.payment, reason=item.reason)]


def expired(item: Item) -> list[PspFact]:
    return [adyen_fact("expired", item, item.original_reference or item.psp_reference)]


def cancel_or_refund(item: Item) -> list[PspFact]:
    action = item.additional.get("modification.action")
    if action == "cancel":
        return voided(item)
    if action == "refund":
        return refund(item)
    raise Unreadable(
        f"additionalData.modification.action: {action!r} in CANCEL_OR_REFUND {item.psp_reference}"
    )


def refund(item: Item) -> list[PspFact]:
    return [_refund("refunded" if item.success == TRUE else "refund_failed", item)]


def refund_failed(item: Item) -> list[PspFact]:
    """Later than REFUND, under the same reference: the money came back to us."""
    return [_refund("refund_failed", item)]


def _refund(kind: PspFactKind, item: Item) -> PspFact:
    return adyen_fact(
        kind, item, item.payment, "refund_id", psp_object_id=item.psp_reference, reason=item.reason
    )


def chargeback(item: Item) -> list[PspFact]:
    opened = _dispute("dispute_opened", item)
    if item.additional.get("disputeStatus") in DECIDED_AGAINST_US:
        return [opened, _dispute("dispute_lost", item)]
    return [opened]


def dispute_won(item: Item) -> list[PspFact]:
    return [_dispute("dispute_won", item)]


def dispute_lost(item: Item) -> list[PspFact]:
    return [_dispute("dispute_lost", item)]


def _dispute(kind: PspFactKind, item: Item) -> PspFact:
    payment = item.original_reference or item.psp_reference
    return adyen_fact(kind, item, payment, "dispute_id", psp_object_id=item.psp_reference, reason=item.reason)


READERS: Final[Mapping[str, Callable[[Item], list[PspFact]]]] = {
    "AUTHORISATION": authorisation,
    "CAPTURE": capture,
    "CAPTURE_FAILED": capture_failed,
    "CANCELLATION": voided,
    "TECHNICAL_CANCEL": voided,
    "CANCEL_OR_REFUND": cancel_or_refund,
    "EXPIRE": expired,
    "REFUND": refund,
    "REFUND_FAILED": refund_failed,
    "REFUNDED_REVERSED": refund_failed,
    "CHARGEBACK": chargeback,
    "CHARGEBACK_REVERSED": dispute_won,
    "SECOND_CHARGEBACK": dispute_lost,
    "PREARBITRATION_WON": dispute_won,
    "PREARBITRATION_LOST": dispute_lost,
}

_REFUSED: Final = "the request was refused; nothing happened"
IGNORED_IF_REFUSED: Final = dict.fromkeys(set(READERS) - {"AUTHORISATION", "REFUND"}, _REFUSED)
"""What `success` false of these says is no fact about money."""

_NO_MONEY: Final = "moves no money"
_WARNING: Final = "a warning; money moves with CHARGEBACK"
_CASE: Final = "a step of the dispute; money moves with CHARGEBACK, its reversal or SECOND_CHARGEBACK"
_OUR_BALANCE: Final = "moves money between us and Adyen: the settlement file and the bank say so"
IGNORED: Final = {
    "AUTHORISATION_ADJUSTMENT": "a changed authorisation posts nothing; CAPTURE says what was taken",
    "AUTORESCUE": "the rescued payment has an AUTHORISATION of its own",
    "AUTORESCUE_NEXT_ATTEMPT": _NO_MONEY,
    "CANCEL_AUTORESCUE": _NO_MONEY,
    "DISABLE_RECURRING": _NO_MONEY,
    "DISPUTE_DEFENSE_PERIOD_ENDED": _CASE,
    "DONATION": "a donation is another merchant account's payment",
    "HANDLED_EXTERNALLY": _NO_MONEY,
    "INFORMATION_SUPPLIED": _CASE,
    "ISSUER_COMMENTS": _CASE,
    "ISSUER_RESPONSE_TIMEFRAME_EXPIRED": _CASE,
    "MANUAL_REVIEW_ACCEPT": _NO_MONEY,
    "MANUAL_REVIEW_REJECT": _NO_MONEY,
    "NOTIFICATION_OF_CHARGEBACK": _WARNING,
    "NOTIFICATION_OF_FRAUD": _WARNING,
    "NOTIFICATIONTEST": "a test of the connection",
    "OFFER_CLOSED": "nothing was paid",
    "ORDER_CLOSED": "each of the order's payments has events of its own",
    "ORDER_OPENED": "each of the order's payments has events of its own",
    "PENDING": "not decided yet",
    "POSTPONED_REFUND": "not decided yet",
    "PROCESS_RETRY": _NO_MONEY,
    "RECURRING_CONTRACT": _NO_MONEY,
    "REPORT_AVAILABLE": _NO_MONEY,
    "REQUEST_FOR_INFORMATION": _WARNING,
    "PAIDOUT_REVERSED": _OUR_BALANCE,
    "PAYOUT_DECLINE": _OUR_BALANCE,
    "PAYOUT_EXPIRE": _OUR_BALANCE,
    "PAYOUT_THIRDPARTY": _OUR_BALANCE,
    "SaleToPOIRequest": "a terminal's own message",
    "balancePlatform.*": _OUR_BALANCE,
    "paymentMethod.*": _NO_MONEY,
    "paymentMethodRequest.*": _NO_MONEY,
    "merchant.*": _NO_MONEY,
    "recurring.token.*": _NO_MONEY,
}
"""Event codes of standard webhooks, and types of the others."""
