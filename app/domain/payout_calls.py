"""Payouts through a PSP (`payout_psp`): the call, and what its answers tell besides facts."""

from typing import Final

from msgspec.structs import replace

from app.domain.asked import AskedState, answered
from app.domain.asking import require_psp, send_call
from app.domain.commands import PayoutFailed
from app.domain.decision import Draft
from app.domain.events import PayoutEvent, PayoutIsStuck, PayoutIsUnknown, PayoutWasAccepted
from app.domain.inquiries import inquire_payout_later
from app.domain.merchant import platform_in
from app.domain.payout import Payout, payout_ref
from app.domain.payout_outputs import announce_payout
from app.domain.psp_calls import PspAnswered, PspCall

EVENTS: Final[dict[AskedState, type[PayoutEvent]]] = {
    "done": PayoutWasAccepted,
    "unknown": PayoutIsUnknown,
    "gave_up": PayoutIsStuck,
    "misconfigured": PayoutIsStuck,
}


def require_payout_psp(draft: Draft, merchant_id: str) -> None:
    """Refuses with psp_not_configured or mode_mismatch where a PSP has to pay and cannot."""
    psp = platform_in(draft).payout_psp
    if psp is not None:
        require_psp(draft, psp, merchant_id)


def with_call(draft: Draft, payout: Payout) -> Payout:
    """The payout with its PSP being asked, where one is set."""
    psp = platform_in(draft).payout_psp
    if psp is None:
        return payout
    call = PspCall(
        psp=psp,
        operation="payout",
        merchant_id=payout.merchant_id,
        object_id=payout.id,
        amount=payout.amount,
        currency=payout.currency,
    )
    return replace(payout, asked=send_call(draft, call, f"{payout.merchant_id}/{payout.id}"))


def declined_payout(draft: Draft, command: PspAnswered) -> PayoutFailed | None:
    """The fact that the PSP's no to the payout in hand is."""
    payout: Payout | None = draft.get(payout_ref(command.merchant_id, command.object_id))
    if payout is None or payout.asked is None or payout.asked.effect_id != command.effect_id:
        return None
    return PayoutFailed(
        id=command.id,
        merchant_id=payout.merchant_id,
        payout_id=payout.id,
        psp_payout_id=command.psp_object_id,
        reason=command.reason,
        occurred_at=command.answered_at,
    )


def note_payout_answer(draft: Draft, command: PspAnswered, is_told: bool) -> bool:
    """Keep what is known of the call; an event says so where no fact does. False: nothing new."""
    payout: Payout | None = draft.get(payout_ref(command.merchant_id, command.object_id))
    if payout is None or payout.asked is None:
        return False
    known = answered(payout.asked, command)
    if known is payout.asked:
        return False
    payout = replace(payout, asked=known)
    event = None if is_told else EVENTS.get(known.state)
    if event is not None:
        payout = replace(payout, seq=payout.seq + 1)
        announce_payout(draft, payout, event, None, draft.now, reason=known.reason)
    draft.put(payout_ref(payout.merchant_id, payout.id), payout)
    inquire_payout_later(draft, payout)
    return True
