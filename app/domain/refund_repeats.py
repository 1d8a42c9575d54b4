"""A second record of a kept refund: it confirms a request, is a duplicate, or brings other figures."""

from msgspec.structs import replace

from app.domain.commands import RefundRecord
from app.domain.corrections import corrected_refund
from app.domain.decision import Conflict, Draft, Duplicate
from app.domain.dedup import Repeat, compare, same_figures
from app.domain.events import RefundConfirmed, RefundCorrected, RefundEvent
from app.domain.expectations import keep_expectations
from app.domain.funds import release_again
from app.domain.guards import watch_balance
from app.domain.payment import Payment, Refund, payment_ref
from app.domain.payment_checks import figures_differ, judged
from app.domain.streams import PAYMENTS_EVENTS


def repeat_refund(draft: Draft, payment: Payment, key: str, command: RefundRecord) -> None:
    """Raises Duplicate or Conflict; returns where something changed."""
    refund = payment.refunds[key]
    verdict = _verdict(refund, command)
    if verdict is Repeat.DUPLICATE and not _is_earlier(refund, command):
        raise Duplicate
    if verdict is Repeat.CONFLICT:
        kept, new = f"{refund.amount} {refund.currency}", f"{command.amount} {command.currency}"
        raise Conflict("fact_conflict", f"refund {key} of {payment.id} is {kept}, not {new}")
    if verdict is Repeat.CORRECTED:
        _correct(draft, payment, key, command)
    elif verdict is Repeat.CONTRADICTED:
        _contradict(draft, payment, key, command)
    else:
        _confirm(draft, payment, key, command)


def announce(
    draft: Draft,
    payment: Payment,
    key: str,
    event: type[RefundEvent],
    **more: str | None,
) -> None:
    """Send the event of a refund as it stands now."""
    refund = payment.refunds[key]
    record = event(
        id=draft.next_id(),
        seq=payment.seq,
        merchant_id=payment.merchant_id,
        payment_id=payment.id,
        refund_id=key,
        psp_refund_id=refund.psp_refund_id,
        amount=refund.amount,
        currency=refund.currency,
        refunded_amount=payment.refunded_amount,
        status=payment.status,
        flags=payment.flags,
        transaction_id=refund.transaction_id or None,
        occurred_at=refund.occurred_at,
        **more,
    )
    draft.send(PAYMENTS_EVENTS, f"{payment.merchant_id}/{payment.id}", record)


def _verdict(refund: Refund, command: RefundRecord) -> Repeat:
    """What a request asked for is only ours until the first fact; that fact's figure is the money."""
    if not refund.confirmed:
        # without a posting there was no request either: only its failure has been told so far
        agrees = same_figures(refund, command) or not refund.transaction_id
        return Repeat.IDENTIFIED if agrees else Repeat.CORRECTED
    return compare(refund, refund.is_psps, command, command.psp_refund_id is not None)


def _is_earlier(refund: Refund, command: RefundRecord) -> bool:
    """Two reports of one refund by one side may differ in their date: the earliest is the refund's."""
    same_side = refund.is_psps == (command.psp_refund_id is not None)
    return same_side and command.occurred_at < refund.occurred_at


def _confirm(draft: Draft, before: Payment, key: str, command: RefundRecord) -> None:
    refund = _as_recorded(before.refunds[key], command)
    payment = replace(before, refunds={**before.refunds, key: refund}, seq=before.seq + 1)
    draft.put(payment_ref(payment.merchant_id, payment.id), payment)
    announce(draft, payment, key, RefundConfirmed)
    keep_expectations(draft, before, payment)


def _as_recorded(refund: Refund, command: RefundRecord) -> Refund:
    """With what its record says, where that needs no posting."""
    psp_refund_id = command.psp_refund_id or refund.psp_refund_id
    return replace(
        refund,
        amount=command.amount,
        currency=command.currency,
        psp_refund_id=psp_refund_id,
        occurred_at=command.occurred_at,
        confirmed=True,
        ours=command.psp_refund_id is None and psp_refund_id is not None,
    )


def _correct(draft: Draft, payment: Payment, key: str, command: RefundRecord) -> None:
    """The PSP's figure replaces ours: reversal and new posting in one transaction."""
    before, ours = payment, payment.refunds[key]
    if ours.failed:
        captures, refund = payment.captures, _as_recorded(ours, command)
    else:
        captures, refund = corrected_refund(draft, payment, key, command)
    refunds = {**payment.refunds, key: refund}
    payment = replace(payment, captures=captures, refunds=refunds, seq=payment.seq + 1)
    payment = figures_differ(draft, payment, "refund", key, ours=ours, psps=command)
    payment = judged(draft, payment)
    draft.put(payment_ref(payment.merchant_id, payment.id), payment)
    announce(draft, payment, key, RefundCorrected)
    keep_expectations(draft, before, payment)
    release_again(draft, payment)
    for currency in sorted({ours.currency, command.currency}):
        watch_balance(draft, payment.merchant_id, currency)


def _contradict(draft: Draft, payment: Payment, key: str, command: RefundRecord) -> None:
    """Our record came after the PSP's and differs: its figure stands, the difference is shown."""
    sent = len(draft.sends)
    known = figures_differ(draft, payment, "refund", key, ours=command, psps=payment.refunds[key])
    if len(draft.sends) == sent:  # the same contradiction was shown before
        raise Duplicate
    known = replace(known, seq=known.seq + 1)
    draft.put(payment_ref(known.merchant_id, known.id), known)
    announce(draft, known, key, RefundConfirmed)
