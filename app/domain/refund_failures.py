"""`refund.failed`: a refund that did not come through. Whatever came first, the failure is what stands.

All that the refund posted is reversed by one transaction that names it, and it no longer counts. Its amount
is that of the refund's own record; what the failure says of it only counts while there is none.
"""

from msgspec.structs import replace

from app.domain.commands import RefundFailed
from app.domain.corrections import reverse_refund
from app.domain.decision import Draft, Duplicate, Parked
from app.domain.dedup import claim_all, refund_claims
from app.domain.events import RefundHasFailed
from app.domain.expectations import keep_expectations
from app.domain.funds import release_again
from app.domain.guards import watch_balance
from app.domain.payment import Payment, Refund, payment_ref
from app.domain.payment_checks import judged
from app.domain.payment_identity import find_captured, payment_subject
from app.domain.refund_identity import find_refund, free_key
from app.domain.refund_repeats import announce


def record_refund_failure(draft: Draft, command: RefundFailed) -> None:
    """Raises Parked until its payment's first capture, Duplicate."""
    named = find_captured(draft, command.merchant_id, command.payment_id)
    if named is None:
        raise Parked(payment_subject(command.payment_id))
    kept = find_refund(draft, named, command)
    if kept is None:
        payment, key = named, free_key(named, command)
        _keep(draft, payment, key, _only_failed(payment, command), command)
    else:
        payment, key = kept
        _fail(draft, payment, key, command)
    claim_all(draft, refund_claims(command), payment.id)


def _only_failed(payment: Payment, command: RefundFailed) -> Refund:
    """Nothing was posted, and nothing will be."""
    return Refund(
        amount=command.amount,
        currency=command.currency,
        psp=payment.psp,
        psp_refund_id=command.psp_refund_id,
        transaction_id="",
        occurred_at=command.occurred_at,
        confirmed=False,
        failed=True,
    )


def _fail(draft: Draft, payment: Payment, key: str, command: RefundFailed) -> None:
    kept = payment.refunds[key]
    refund = _with_failure(payment, kept, command)
    if kept.failed:
        if refund == kept:
            raise Duplicate
        _keep(draft, payment, key, refund, command)
        return
    captures, refund = reverse_refund(draft, payment, refund, command.occurred_at)
    after = _keep(draft, payment, key, refund, command, captures=captures)
    release_again(draft, after)
    watch_balance(draft, after.merchant_id, refund.currency)


def _with_failure(payment: Payment, refund: Refund, command: RefundFailed) -> Refund:
    """The failure may bring the PSP's id; its figures count where it is all that is known of the refund."""
    names_psp = refund.psp_refund_id is None and command.psp_refund_id is not None
    if refund.transaction_id or refund.confirmed:
        return (
            replace(refund, psp_refund_id=command.psp_refund_id, ours=refund.confirmed, declined=False)
            if names_psp
            else refund
        )
    other = _only_failed(payment, command)
    return min(refund, other, key=lambda one: (not one.is_psps, one.occurred_at, one.amount, one.currency))


def _keep(
    draft: Draft, before: Payment, key: str, refund: Refund, command: RefundFailed, **changed: object
) -> Payment:
    refunds = dict(sorted({**before.refunds, key: refund}.items()))
    payment = judged(draft, replace(before, refunds=refunds, seq=before.seq + 1, **changed))
    draft.put(payment_ref(payment.merchant_id, payment.id), payment)
    announce(draft, payment, key, RefundHasFailed, reason=command.reason)
    keep_expectations(draft, before, payment)
    return payment
