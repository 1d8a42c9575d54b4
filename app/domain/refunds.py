"""Refunds: `refund.record` is a fact and is always posted, `refund.create` a request that has to fit.

An accepted request posts at once; the fact with the same refund_id confirms it without posting again.
"""

from msgspec.structs import replace

from app.domain import postings
from app.domain.asking import ask, asks_psp
from app.domain.commands import RefundCreate, RefundRecord
from app.domain.decision import Draft, Duplicate, Parked, Refused
from app.domain.dedup import claim_all, own_claim, refund_claims, same_figures
from app.domain.events import RefundAccepted, RefundRecorded
from app.domain.expectations import keep_expectations
from app.domain.funds import allocate, without_taken
from app.domain.guards import require_refundable, watch_balance
from app.domain.payment import Payment, Refund, payment_ref
from app.domain.payment_checks import judged
from app.domain.payment_identity import find_captured, find_payment, payment_subject
from app.domain.refund_identity import find_refund, free_key
from app.domain.refund_repeats import announce, repeat_refund
from app.domain.split import Parent
from app.domain.split_books import own_legs, refund_shares
from app.domain.split_records import SplitRefund
from app.domain.split_telling import tell_other_side
from app.domain.streams import PAYMENTS_COMMANDS


def record_refund(draft: Draft, command: RefundRecord) -> None:
    """Keep a refund that happened. Raises Parked until its payment's first capture, Duplicate, Conflict."""
    named = find_captured(draft, command.merchant_id, command.payment_id)
    if named is None:
        raise Parked(payment_subject(command.payment_id))
    kept = find_refund(draft, named, command)
    if kept is None:
        _keep_new(draft, named, free_key(named, command), command)
    elif kept.payment.refunds[kept.key].declined and command.psp_refund_id is not None:
        _make_after_all(draft, kept.payment, kept.key, command)
    else:
        repeat_refund(draft, kept.payment, kept.key, command)
    claim_all(draft, refund_claims(command), named.id if kept is None else kept.payment.id)


def create_refund(draft: Draft, command: RefundCreate) -> None:
    """Refuses with payment_not_found, refund_id_reused, currency_mismatch, refund_exceeds_captured,

    psp_not_configured, psp_payment_unknown or insufficient_funds; raises Duplicate for the same refund under
    another command id.
    """
    payment = find_payment(draft, command.merchant_id, command.payment_id)
    if payment is None:
        raise Refused("payment_not_found", f"there is no payment {command.payment_id}")
    claim = own_claim(command.merchant_id, "refund", command.refund_id)
    if draft.get(claim) is not None:
        kept = payment.refunds.get(command.refund_id)
        if kept is not None and same_figures(kept, command):
            raise Duplicate
        raise Refused("refund_id_reused", f"{command.refund_id} is another refund already")
    if command.currency != payment.currency:
        raise Refused("currency_mismatch", f"{payment.id} is in {payment.currency}")
    require_refundable(draft, payment, command.amount)
    _keep_request(draft, payment, command, _post(draft, payment, command.refund_id, command, None))
    draft.put(claim, payment.id)


def post_part_refund(
    draft: Draft, payment: Payment, command: RefundCreate, part: str, part_refund_id: str
) -> None:
    """Of a split payment: a seller's refund, which the seller's lane has allowed."""
    key = command.refund_id
    posted = _post(draft, payment, key, command, None)
    refund = replace(posted.refunds[key], shares=((part, command.amount),), part_refund_id=part_refund_id)
    posted = judged(draft, replace(posted, refunds={**posted.refunds, key: refund}))
    _keep_request(draft, payment, command, posted)
    draft.put(own_claim(payment.merchant_id, "refund", key), payment.id)


def _keep_request(draft: Draft, before: Payment, command: RefundCreate, payment: Payment) -> None:
    payment = _asked(draft, payment, command)
    draft.put(payment_ref(payment.merchant_id, payment.id), payment)
    announce(draft, payment, command.refund_id, RefundAccepted)
    tell_other_side(draft, before, payment)


def _asked(draft: Draft, payment: Payment, command: RefundCreate) -> Payment:
    """With the PSP being asked, where that is ours to do; a seller asks its order's parent."""
    if payment.parent is not None:
        _ask_parent(draft, payment, payment.parent, command)
        return payment
    if not asks_psp(draft, payment.psp):
        if payment.requested is not None and not _is_posted(payment, command):
            raise Refused("psp_not_configured", f"{payment.psp} took it for us and cannot be asked any more")
        return payment
    if payment.psp_payment_id is None:
        if _is_posted(payment, command):
            return payment
        raise Refused("psp_payment_unknown", f"{payment.psp} has not named {payment.id} yet")
    return ask(draft, payment, "refund", command.refund_id, command.amount)


def _is_posted(payment: Payment, command: RefundCreate) -> bool:
    """A seller's lane has posted it: what cannot be asked for waits for the PSP's fact."""
    return payment.refunds[command.refund_id].part_refund_id is not None


def _ask_parent(draft: Draft, payment: Payment, parent: Parent, command: RefundCreate) -> None:
    record = SplitRefund(
        id=draft.next_id(),
        merchant_id=parent.merchant_id,
        payment_id=parent.payment_id,
        part=payment.id,
        part_refund_id=command.refund_id,
        amount=command.amount,
        currency=command.currency,
    )
    draft.send(PAYMENTS_COMMANDS, parent.merchant_id, record)


def _make_after_all(draft: Draft, payment: Payment, declined: str, command: RefundRecord) -> None:
    """The PSP made what it had declined. Sellers have taken back theirs: to them it is another refund."""
    if not payment.parts:
        _keep_new(draft, payment, declined, command)
        return
    old = payment.refunds[declined]
    shares = old.shares if old.amount == command.amount else ()
    _keep_new(draft, payment, free_key(payment, command), command, shares)


def _keep_new(
    draft: Draft,
    before: Payment,
    key: str,
    command: RefundRecord,
    shares: tuple[tuple[str, int], ...] = (),
) -> None:
    """`shares` of sellers, where they are not in the ratio of what is left of each."""
    payment = _post(draft, before, key, command, command)
    if shares:
        payment = replace(
            payment, refunds={**payment.refunds, key: replace(payment.refunds[key], shares=shares)}
        )
    payment = judged(draft, payment)
    draft.put(payment_ref(payment.merchant_id, payment.id), payment)
    announce(draft, payment, key, RefundRecorded)
    keep_expectations(draft, before, payment)
    watch_balance(draft, payment.merchant_id, command.currency)


def _post(
    draft: Draft, payment: Payment, key: str, command: RefundRecord | RefundCreate, fact: RefundRecord | None
) -> Payment:
    """The payment with the refund posted; `fact` is None for a request, which the PSP has yet to confirm."""
    merchant_id, amount, currency = payment.merchant_id, command.amount, command.currency
    taken = allocate(payment.captures, amount, currency)
    legs = postings.refund(merchant_id, payment.psp, currency, taken.from_pending, taken.from_available)
    occurred_at = draft.now if fact is None else fact.occurred_at
    refund = Refund(
        amount=amount,
        currency=currency,
        psp=payment.psp,
        taken=taken.parts,
        psp_refund_id=None if fact is None else fact.psp_refund_id,
        transaction_id=draft.post("refund", own_legs(payment, legs), occurred_at, merchant_id, payment.id),
        occurred_at=occurred_at,
        confirmed=fact is not None,
        shares=refund_shares(payment, amount) if payment.parts else (),
    )
    return replace(
        payment,
        captures=without_taken(payment.captures, taken.parts),
        refunds=dict(sorted({**payment.refunds, key: refund}.items())),
        seq=payment.seq + 1,
    )
