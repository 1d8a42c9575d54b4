"""A second record of a capture that is kept: a duplicate, the PSP's word on ours, or a contradiction."""

from msgspec.structs import replace

from app.domain.capture_outputs import announce, announce_identified
from app.domain.commands import PaymentRecord
from app.domain.corrections import corrected_capture
from app.domain.decision import Conflict, Draft, Duplicate
from app.domain.dedup import Repeat, compare
from app.domain.duplicates import with_duplicates
from app.domain.events import PaymentCorrected
from app.domain.funds import schedule_release
from app.domain.guards import watch_balance
from app.domain.payment import Capture, Payment, payment_ref, with_alias
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
        _correct(draft, payment, key, command, alias)
    elif verdict is Repeat.IDENTIFIED:
        _identify(draft, payment, key, command, alias)
    else:
        _stand_by(draft, payment, key, command, alias, verdict)


def _stand_by(
    draft: Draft, payment: Payment, key: str, command: PaymentRecord, alias: str | None, verdict: Repeat
) -> None:
    """The kept figures stand; the record may still bring a reference or another name, or contradict."""
    sent = len(draft.sends)
    if _is_earlier(payment.captures[key], command, verdict):
        _identify(draft, payment, key, command, alias)
        return
    known = with_duplicates(draft, with_references(with_alias(payment, alias), command), command)
    if verdict is Repeat.CONTRADICTED:
        known = figures_differ(draft, known, "capture", key, ours=command, psps=payment.captures[key])
    if known is payment and len(draft.sends) == sent:
        raise Duplicate
    announce_identified(draft, payment, replace(known, seq=known.seq + 1), key, alias)


def _is_earlier(capture: Capture, command: PaymentRecord, verdict: Repeat) -> bool:
    """Two reports of one capture by one side may differ in their date: the earliest is the capture's."""
    same_side = (capture.psp_capture_id is None) == (command.psp_capture_id is None)
    return verdict is Repeat.DUPLICATE and same_side and command.occurred_at < capture.occurred_at


def _correct(draft: Draft, payment: Payment, key: str, command: PaymentRecord, alias: str | None) -> None:
    """The PSP's figure replaces ours: reversal and new posting in one transaction."""
    before, ours = payment, payment.captures[key]
    capture = corrected_capture(draft, payment, key, command)
    payment = with_capture(with_alias(payment, alias), key, capture, command)
    payment = figures_differ(draft, payment, "capture", key, ours=ours, psps=command)
    payment = judged(draft, replace(payment, seq=payment.seq + 1))
    payment = with_duplicates(draft, payment, command)
    draft.put(payment_ref(payment.merchant_id, payment.id), payment)
    announce(draft, before, payment, key, PaymentCorrected)
    for currency in sorted({ours.currency, command.currency}):
        watch_balance(draft, payment.merchant_id, currency)


def _identify(draft: Draft, before: Payment, key: str, command: PaymentRecord, alias: str | None) -> None:
    """A record that posts nothing, but whose id and date are taken over: the PSP's of ours, or an earlier."""
    capture = replace(
        before.captures[key], psp_capture_id=command.psp_capture_id, occurred_at=command.occurred_at
    )
    payment = with_capture(with_alias(before, alias), key, capture, command)
    payment = judged(draft, replace(payment, seq=payment.seq + 1))  # another date may move the principal
    payment = with_duplicates(draft, payment, command)
    announce_identified(draft, before, payment, key, alias)
    if capture.pending:
        schedule_release(draft, payment, key)
