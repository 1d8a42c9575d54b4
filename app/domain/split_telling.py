"""What changes of a split payment's money is told to the other side, in the decision that changes it."""

from typing import Any

from msgspec.structs import replace

from app.domain.commands import RefundFailed, RefundRecord
from app.domain.decision import Draft
from app.domain.mismatches import id_in, open_mismatch, resolve_mismatch
from app.domain.parking import parking_window
from app.domain.payment import SPLIT_MISMATCH, Payment, Refund, payment_ref, with_flag
from app.domain.split import Parent, derived_id, shares
from app.domain.split_records import SplitCaptured, SplitDue, SplitPosted
from app.domain.streams import PAYMENTS_COMMANDS
from app.domain.timers import clear_timer, set_timer

TIMER = "split"


def tell_other_side(draft: Draft, before: Payment | None, after: Payment) -> Payment:
    """Of a split payment, or a seller's order of one; any other is left as it is."""
    if after.parent is not None:
        _tell_parent(draft, before, after)
    if after.parts:
        return _tell_sellers(draft, before, after)
    return after


def _tell_parent(draft: Draft, before: Payment | None, after: Payment) -> None:
    parent = after.parent
    assert parent is not None
    if before is not None and net(before) == net(after):
        return
    record = SplitPosted(
        id=draft.next_id(),
        merchant_id=parent.merchant_id,
        payment_id=parent.payment_id,
        part=after.id,
        posted=net(after),
        part_seq=after.seq,
    )
    draft.send(PAYMENTS_COMMANDS, parent.merchant_id, record)


def net(payment: Payment) -> int:
    """Captured less refunded, minor units of its currency."""
    return payment.captured_amount - payment.refunded_amount


def _tell_sellers(draft: Draft, before: Payment | None, after: Payment) -> Payment:
    captures = before.captures if before is not None else {}
    refunds = before.refunds if before is not None else {}
    for key in after.captures:
        if key not in captures:
            _share_capture(draft, after, key)
    for key, refund in after.refunds.items():
        if refund != refunds.get(key):
            _share_refund(draft, after, key, refunds.get(key), refund)
    for key, gone in refunds.items():
        if key not in after.refunds:  # it was another one's second report
            _share_refund(draft, after, key, gone, replace(gone, failed=True))
    return watched(draft, after)


def _share_capture(draft: Draft, payment: Payment, key: str) -> None:
    capture, parent = payment.captures[key], Parent(payment.merchant_id, payment.id)
    for part, amount in zip(payment.parts, shares(payment.parts, capture.amount), strict=True):
        if not amount:
            continue
        record = SplitCaptured(
            id=draft.next_id(),
            merchant_id=part.merchant_id,
            payment_id=part.payment_id,
            capture_id=derived_id(parent, part.payment_id, "capture", key),
            amount=amount,
            currency=capture.currency,
            psp=capture.psp,
            parent_merchant_id=parent.merchant_id,
            parent_payment_id=parent.payment_id,
            order_ref=payment.order_ref,
            occurred_at=capture.occurred_at,
        )
        draft.send(PAYMENTS_COMMANDS, part.merchant_id, record)


def _share_refund(draft: Draft, payment: Payment, key: str, old: Refund | None, new: Refund) -> None:
    """A seller that asked hears what came of it, the others that money was given back, or was not."""
    if new.failed:
        kind: type[RefundRecord | RefundFailed] | None = RefundFailed if old and not old.failed else None
    elif new.part_refund_id is not None:
        kind = RefundRecord if new.confirmed and (old is None or not old.confirmed) else None
    else:
        kind = RefundRecord if old is None else None
    if kind is None:
        return
    sellers = {part.payment_id: part.merchant_id for part in payment.parts}
    for order, amount in new.shares:
        record: Any = kind(
            id=draft.next_id(),
            merchant_id=sellers[order],
            payment_id=order,
            refund_id=_refund_id(payment, order, key, new),
            amount=amount,
            currency=new.currency,
            occurred_at=new.occurred_at,
        )
        draft.send(PAYMENTS_COMMANDS, sellers[order], record)


def _refund_id(payment: Payment, order: str, key: str, refund: Refund) -> str:
    if refund.part_refund_id is not None:
        return refund.part_refund_id
    return derived_id(Parent(payment.merchant_id, payment.id), order, "refund", key)


def watched(draft: Draft, payment: Payment) -> Payment:
    """Parent and sellers have to agree inside the window; the payment with its flag as it stands now."""
    agreed = net(payment) == sum(part.posted for part in payment.parts)
    if not agreed and SPLIT_MISMATCH not in payment.flags:
        due = SplitDue(id="-", merchant_id=payment.merchant_id, payment_id=payment.id)
        set_timer(draft, TIMER, payment.id, draft.now + parking_window(draft), due)
        return payment
    if agreed:
        clear_timer(draft, TIMER, payment.id)
    return judged_split(draft, payment) if SPLIT_MISMATCH in payment.flags else payment


def judged_split(draft: Draft, payment: Payment) -> Payment:
    """SPLIT_MISMATCH stands exactly while the two sides differ, once the window has closed."""
    expected, actual = net(payment), sum(part.posted for part in payment.parts)
    if expected == actual:
        key = id_in(draft, "M", "SPLIT_MISMATCH", [payment.id])
        resolve_mismatch(draft, key, "sellers have posted what the payment moved")
    else:
        open_mismatch(
            draft,
            leg="M",
            category="SPLIT_MISMATCH",
            merchant_id=payment.merchant_id,
            psp=payment.psp,
            payment_id=payment.id,
            currency=payment.currency,
            expected_amount=expected,
            actual_amount=actual,
            explanation={
                "rule": "what a split payment moved is what its sellers posted",
                "sellers": {part.merchant_id: part.posted for part in payment.parts},
            },
            subject_ids=[payment.id],
        )
    payment = replace(payment, flags=with_flag(payment.flags, SPLIT_MISMATCH, expected != actual))
    draft.put(payment_ref(payment.merchant_id, payment.id), payment)
    return payment
