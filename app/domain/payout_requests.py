"""Requests for payouts: `payout.create`, and its approval by another person above a limit.

The money leaves the available at once, approved or not, so that it cannot be asked for twice.
"""

from msgspec.structs import replace

from app.domain import postings
from app.domain.commands import PayoutCreate
from app.domain.decision import Draft, Duplicate, Refused
from app.domain.dedup import same_figures
from app.domain.events import PayoutStarted, PayoutWasApproved, PayoutWasRejected
from app.domain.guards import require_available, watch_balance
from app.domain.merchant import known_merchant, platform_in, require_merchant
from app.domain.payment_requests import PayoutApprove, PayoutReject
from app.domain.payout import Payout, payout_ref, payout_subject
from app.domain.payout_calls import require_payout_psp, with_call
from app.domain.payout_flows import take_flows
from app.domain.payout_outputs import announce_payout


def create_payout(draft: Draft, command: PayoutCreate) -> tuple[str, ...]:
    """Refuses with unknown_merchant, payout_id_reused, psp_not_configured, mode_mismatch or

    insufficient_funds; raises Duplicate for the same again.
    """
    kept: Payout | None = draft.get(payout_ref(command.merchant_id, command.payout_id))
    if kept is not None:
        if same_figures(kept, command):
            raise Duplicate
        raise Refused("payout_id_reused", f"{command.payout_id} is another payout already")
    require_merchant(draft, command.merchant_id)
    require_payout_psp(draft, command.merchant_id)
    require_available(draft, command.merchant_id, command.amount, command.currency)
    start_payout(draft, command)
    return (payout_subject(command.payout_id),)


def start_payout(draft: Draft, command: PayoutCreate, period: str | None = None) -> None:
    """Take the money; ask the PSP, or a person first."""
    merchant_id, amount, currency = command.merchant_id, command.amount, command.currency
    made = take_flows(draft, merchant_id, amount, currency)
    legs = postings.payout_started(merchant_id, currency, amount)
    payout = Payout(
        merchant_id=merchant_id,
        id=command.payout_id,
        amount=amount,
        currency=currency,
        bank_account=platform_in(draft).payout_account,
        transaction_id=draft.post("payout_started", legs, draft.now, merchant_id),
        seq=1,
        approval="pending" if _needs_approval(draft, merchant_id, amount) else None,
        requested_by=command.requested_by,
        period=period,
        parts=made.parts,
        residual=made.residual,
        started_at=draft.now,
    )
    if payout.approval is None:
        payout = with_call(draft, payout)
    _keep(draft, payout)
    posted = payout.transaction_id
    announce_payout(
        draft, payout, PayoutStarted, posted, draft.now, parts=payout.parts, residual=payout.residual
    )


def _needs_approval(draft: Draft, merchant_id: str, amount: int) -> bool:
    """Above the merchant's limit, else the platform's; without any nobody is asked."""
    own = known_merchant(draft, merchant_id).payout_approval_above
    limit = platform_in(draft).payout_approval_above if own is None else own
    return limit is not None and amount > limit


def approve_payout(draft: Draft, command: PayoutApprove) -> None:
    """Refuses with payout_not_found, not_pending_approval or approver_is_requester."""
    payout = _pending(draft, command)
    if command.by == payout.requested_by:
        raise Refused("approver_is_requester", f"{command.by} asked for {payout.id}")
    require_payout_psp(draft, command.merchant_id)
    payout = replace(payout, approval="approved", decided_by=command.by, seq=payout.seq + 1)
    payout = with_call(draft, payout)
    _keep(draft, payout)
    announce_payout(draft, payout, PayoutWasApproved, None, draft.now, by=command.by)


def reject_payout(draft: Draft, command: PayoutReject) -> None:
    """Refuses with payout_not_found or not_pending_approval."""
    payout = _pending(draft, command)
    legs = postings.payout_failed(payout.merchant_id, payout.currency, payout.amount)
    posted = draft.post("payout_failed", legs, draft.now, payout.merchant_id)
    payout = replace(
        payout,
        approval="rejected",
        decided_by=command.by,
        failed_transaction_id=posted,
        seq=payout.seq + 1,
    )
    _keep(draft, payout)
    announce_payout(draft, payout, PayoutWasRejected, posted, draft.now, by=command.by, reason=command.reason)
    watch_balance(draft, payout.merchant_id, payout.currency)


def _pending(draft: Draft, command: PayoutApprove | PayoutReject) -> Payout:
    payout: Payout | None = draft.get(payout_ref(command.merchant_id, command.payout_id))
    if payout is None:
        raise Refused("payout_not_found", f"there is no payout {command.payout_id}")
    if payout.status != "pending_approval":
        raise Refused("not_pending_approval", f"{payout.id} is {payout.status}")
    return payout


def _keep(draft: Draft, payout: Payout) -> None:
    draft.put(payout_ref(payout.merchant_id, payout.id), payout)
