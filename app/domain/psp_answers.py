"""`psp.answered`: what came of a call. Its facts are decided by the very rules of webhooks' facts, so that

answer and webhook are one fact in either order; then the operation is known better. A final no is a fact
that we make of it where the PSP brings none: a payment that failed, a refund or payout that gives back.
"""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from app.domain.asked import Asked, answered, asked_key
from app.domain.asking import EVENTS, keep_and_tell, with_asked
from app.domain.command_base import MerchantCommand
from app.domain.commands import PaymentFailed, PayoutFailed, RefundFailed
from app.domain.decision import Conflict, Draft, Duplicate, Ignored, Parked
from app.domain.inquiries import inquire_later
from app.domain.parking import park
from app.domain.payment import Payment, payment_ref
from app.domain.payment_identity import find_payment
from app.domain.payout_calls import declined_payout, note_payout_answer
from app.domain.psp_calls import PspAnswered
from app.domain.psp_facts import to_command
from app.domain.refund_answers import join_refund, with_decline
from app.domain.waiting import show_conflict

Decide = Callable[[Draft, Any], None]


def take_answer(draft: Draft, command: PspAnswered, decide: Decide) -> None:
    """Raises Duplicate where it says nothing new."""
    facts = [to_command(fact, command.id, command.merchant_id, _home(command)) for fact in command.facts]
    taken = [_take(draft, fact, decide) for fact in facts]
    taken += [_take(draft, fact, decide) for fact in _final_no(draft, command, facts)]
    if command.operation == "refund" and command.outcome == "done":
        taken.append(join_refund(draft, command))
    note = note_payout_answer if command.operation == "payout" else _note
    if not note(draft, command, bool(command.facts)) and not any(taken):
        raise Duplicate


def _home(command: PspAnswered) -> str:
    """The payment, or the payout, that the facts are about."""
    return command.payment_id or command.object_id


def _take(draft: Draft, fact: MerchantCommand, decide: Decide) -> bool:
    """Decide one fact on its own. False where it is known."""
    inner = draft.nested()
    try:
        decide(inner, fact)
    except (Duplicate, Ignored):
        return False
    except Parked as parked:
        inner = draft.nested()
        park(inner, parked.subject, msgspec.json.encode(fact))
    except Conflict as conflict:
        inner = draft.nested()
        text = msgspec.json.encode(fact).decode()
        show_conflict(inner, f"answer/{fact.id}", draft.source.offset, text, conflict)
    draft.absorb(inner)
    return True


def _final_no(draft: Draft, command: PspAnswered, facts: list[MerchantCommand]) -> Iterator[MerchantCommand]:
    """The fact that the PSP's no is, where it did not send it itself."""
    if command.operation == "payout":
        declined = declined_payout(draft, command) if command.outcome == "declined" else None
        if declined is not None and not any(isinstance(fact, PayoutFailed) for fact in facts):
            yield declined
        return
    asked = _asked(draft, command)
    if command.outcome != "declined" or asked is None or asked.effect_id != command.effect_id:
        return
    if asked.state == "done":
        return  # a late word of an earlier attempt
    payment: Payment = find_payment(draft, command.merchant_id, command.payment_id or "")  # type: ignore[assignment]
    common: dict[str, Any] = {
        "id": command.id,
        "merchant_id": command.merchant_id,
        "payment_id": payment.id,
        "amount": asked.amount,
        "currency": payment.currency,
        "reason": command.reason,
        "occurred_at": command.answered_at,
    }
    if command.operation in ("session", "authorize"):
        if not any(isinstance(fact, PaymentFailed) for fact in facts):
            yield PaymentFailed(**common, psp=command.psp, psp_payment_id=command.psp_object_id)
    elif command.operation == "refund" and not _is_told(payment, command, facts):
        yield RefundFailed(**common, refund_id=command.object_id, psp_refund_id=command.psp_object_id)


def _is_told(payment: Payment, command: PspAnswered, facts: list[MerchantCommand]) -> bool:
    """Whether the PSP itself has said what became of the refund, now or before."""
    refund = payment.refunds.get(command.object_id)
    return (refund is not None and refund.is_psps) or any(isinstance(fact, RefundFailed) for fact in facts)


def _asked(draft: Draft, command: PspAnswered) -> Asked | None:
    payment = find_payment(draft, command.merchant_id, command.payment_id or "")
    key = asked_key(command.operation, command.object_id)
    return None if payment is None else payment.asked.get(key)


def _note(draft: Draft, command: PspAnswered, is_told: bool) -> bool:
    """Keep what is known of the operation; an event says so where no fact does."""
    payment = find_payment(draft, command.merchant_id, command.payment_id or "")
    asked = _asked(draft, command)
    if payment is None or asked is None:
        return False
    known = answered(asked, command)
    if known is asked:
        return False
    payment = with_decline(with_asked(payment, known), known)
    if is_told or (known.state == "declined" and known.operation in ("session", "authorize", "refund")):
        draft.put(payment_ref(payment.merchant_id, payment.id), payment)
    else:
        payment = keep_and_tell(draft, payment, known, EVENTS[known.state])
    inquire_later(draft, payment)
    return True
