"""A second record of a capture that is kept: a duplicate, the PSP's word on ours, or a contradiction."""

from msgspec.structs import replace

from app.domain.capture_outputs import announce, announce_identified
from app.domain.commands import PaymentRecord
from app.domain.corrections import corrected_capture
from app.domain.decision import Conflict, Draft, Duplicate
from app.domain.dedup import Repeat, compare
from app.domain.duplicates import with_duplicates
from app.domain.events import PaymentCorrected
from app.domain.expectations import expect_capture, leave_capture_homes
from app.domain.funds import schedule_release
from app.domain.guards import watch_balance
from app.domain.payment import Payment, payment_ref
from app.domain.payment_checks import figures_differ, judged
from app.domain.payment_header import with_capture, with_references


def repeat_capture(
    draft: Draft, payment: Payment, key: str, command: PaymentRecord, alias: str | None
) -> None:
    """Raises Duplicate or Conflict; returns where something changed. `alias`: a payment_id that was new."""
    capture = payment.captures[key]
    ours_was_kept = capture.psp_capture_id is None
    verdict = compare(capture, not ours_was_kept, command, command.psp_capture_id is not None)
    if verdict is Repeat.CONFLICT:
        kept, new = f"{capture.amount} {capture.currency}", f"{command.amount} {command.currency}"
        raise Conflict("fact_conflict", f"capture {key} of {payment.id} is {kept}, not {new}")
    if verdict is Repeat.CORRECTED:
        _correct(draft, payment, key, command)
    elif verdict is Repeat.IDENTIFIED:
        _identify(draft, payment, key, command, alias)
    else:
        _stand_by(draft, payment, key, command, alias, verdict)


def _stand_by(
    draft: Draft, payment: Payment, key: str, command: PaymentRecord, alias: str | None, verdict: Repeat
) -> None:
    """The kept figures stand; the record may still bring a reference or another name, or contradict."""
    sent = len(draft.sends)
    known = with_duplicates(draft, with_references(payment, command, wins=False), command)
    if verdict is Repeat.CONTRADICTED:
        known = figures_differ(draft, known, "capture", key, ours=command, psps=payment.captures[key])
    if known is payment and alias is None and len(draft.sends) == sent:
        raise Duplicate
    announce_identified(draft, replace(known, seq=known.seq + 1), key, alias)


def _correct(draft: Draft, payment: Payment, key: str, command: PaymentRecord) -> None:
    """The PSP's figure replaces ours: reversal and new posting in one transaction."""
    before, ours = payment, payment.captures[key]
    capture = corrected_capture(draft, payment, key, command)
    payment = with_capture(payment, key, capture, command)
    leave_capture_homes(draft, before, payment, key)
    payment = figures_differ(draft, payment, "capture", key, ours=ours, psps=command)
    payment = judged(draft, replace(payment, seq=payment.seq + 1))
    payment = with_duplicates(draft, payment, command)
    draft.put(payment_ref(payment.merchant_id, payment.id), payment)
    announce(draft, payment, key, PaymentCorrected)
    for currency in sorted({ours.currency, command.currency}):
        watch_balance(draft, payment.merchant_id, currency)


def _identify(draft: Draft, payment: Payment, key: str, command: PaymentRecord, alias: str | None) -> None:
    """The PSP's record of a capture of ours: its id and its date are taken over, nothing is posted."""
    capture = replace(
        payment.captures[key], psp_capture_id=command.psp_capture_id, occurred_at=command.occurred_at
    )
    before = payment
    payment = with_capture(payment, key, capture, command)
    payment = judged(draft, replace(payment, seq=payment.seq + 1))  # another date may move the principal
    payment = with_duplicates(draft, payment, command)
    leave_capture_homes(draft, before, payment, key)
    announce_identified(draft, payment, key, alias)
    expect_capture(draft, payment, key, capture)
    if capture.pending:
        schedule_release(draft, payment, key)
