"""Payouts: `payout.create` is a request for available money; paid, failed and returned are facts about it.

A fact that comes before its payout waits for it. Facts may come in any order: each posts once, and what a
`failed` gave back is taken again when it turns out that the payout had left.
"""

from datetime import datetime
from typing import Final

from msgspec.structs import replace

from app.domain import postings
from app.domain.commands import PayoutCreate, PayoutFact, PayoutFailed, PayoutPaid, PayoutReturned
from app.domain.decision import Conflict, Draft, Duplicate, Parked, Refused
from app.domain.dedup import same_figures
from app.domain.events import PayoutCameBack, PayoutEvent, PayoutHasFailed, PayoutStarted, PayoutWasPaid
from app.domain.guards import require_available, watch_balance
from app.domain.merchant import platform_in, require_merchant
from app.domain.mismatches import open_mismatch
from app.domain.payout import Payout, PayoutFactName, payout_ref
from app.domain.streams import PAYMENTS_EVENTS

FACTS: Final[dict[type[PayoutFact], PayoutFactName]] = {
    PayoutPaid: "paid",
    PayoutFailed: "failed",
    PayoutReturned: "returned",
}


def payout_subject(payout_id: str) -> str:
    """What facts about an unknown payout wait for."""
    return f"payout/{payout_id}"


def create_payout(draft: Draft, command: PayoutCreate) -> tuple[str, ...]:
    """Refuses with unknown_merchant, payout_id_reused or insufficient_funds; Duplicate for the same again."""
    ref = payout_ref(command.merchant_id, command.payout_id)
    kept: Payout | None = draft.get(ref)
    if kept is not None:
        if same_figures(kept, command):
            raise Duplicate
        raise Refused("payout_id_reused", f"{command.payout_id} is another payout already")
    require_merchant(draft, command.merchant_id)
    require_available(draft, command.merchant_id, command.amount, command.currency)
    payout = _start(draft, command)
    draft.put(ref, payout)
    _announce(draft, payout, PayoutStarted, payout.transaction_id, draft.now)
    return (payout_subject(command.payout_id),)


def _start(draft: Draft, command: PayoutCreate) -> Payout:
    legs = postings.payout_started(command.merchant_id, command.currency, command.amount)
    return Payout(
        merchant_id=command.merchant_id,
        id=command.payout_id,
        amount=command.amount,
        currency=command.currency,
        bank_account=platform_in(draft).payout_account,
        transaction_id=draft.post("payout_started", legs, draft.now, command.merchant_id),
        seq=1,
    )


def record_payout_fact(draft: Draft, command: PayoutPaid | PayoutFailed | PayoutReturned) -> None:
    """Raises Parked while the payout is unknown, Duplicate, Conflict."""
    payout: Payout | None = draft.get(payout_ref(command.merchant_id, command.payout_id))
    if payout is None:
        raise Parked(payout_subject(command.payout_id))
    name = FACTS[type(command)]
    if name in payout.facts:
        _repeat(payout, command)
    ids = [known for known in (payout.psp_payout_id, command.psp_payout_id) if known]
    payout = replace(
        payout,
        facts=tuple(sorted({*payout.facts, name})),
        psp_payout_id=min(ids, default=None),
        seq=payout.seq + 1,
    )
    if isinstance(command, PayoutPaid):
        _paid(draft, payout, command)
    elif isinstance(command, PayoutReturned):
        _returned(draft, payout, command)
    else:
        _failed(draft, payout, command)
    watch_balance(draft, payout.merchant_id, payout.currency)


def _repeat(payout: Payout, command: PayoutFact) -> None:
    """The fact is kept already: Duplicate, or Conflict where it says something else."""
    if isinstance(command, PayoutPaid) and command.bank_fee != payout.bank_fee:
        detail = f"the bank fee of {payout.id} is {payout.bank_fee}, not {command.bank_fee}"
        raise Conflict("fact_conflict", detail)
    raise Duplicate


def _paid(draft: Draft, payout: Payout, command: PayoutPaid) -> None:
    payout = _left_after_all(draft, replace(payout, bank_fee=command.bank_fee), command)
    legs = postings.payout_paid(payout.bank_account, payout.currency, payout.amount, payout.bank_fee)
    posted = draft.post("payout_paid", legs, command.occurred_at, payout.merchant_id)
    _keep(draft, payout)
    _announce(draft, payout, PayoutWasPaid, posted, command.occurred_at, bank_fee=payout.bank_fee)


def _returned(draft: Draft, payout: Payout, command: PayoutReturned) -> None:
    payout = _left_after_all(draft, payout, command)
    legs = postings.payout_returned(payout.merchant_id, payout.bank_account, payout.currency, payout.amount)
    posted = draft.post("payout_returned", legs, command.occurred_at, payout.merchant_id)
    _keep(draft, payout)
    _announce(draft, payout, PayoutCameBack, posted, command.occurred_at)


def _failed(draft: Draft, payout: Payout, command: PayoutFailed) -> None:
    posted = None
    if not payout.has_left:
        legs = postings.payout_failed(payout.merchant_id, payout.currency, payout.amount)
        posted = draft.post("payout_failed", legs, command.occurred_at, payout.merchant_id)
    payout = replace(payout, failed_transaction_id=posted)
    _keep(draft, payout)
    _announce(draft, payout, PayoutHasFailed, posted, command.occurred_at)


def _left_after_all(draft: Draft, payout: Payout, command: PayoutFact) -> Payout:
    """What `failed` gave back to the merchant is taken again: the payout had left."""
    if payout.failed_transaction_id is None:
        return payout
    legs = postings.reversal(postings.payout_failed(payout.merchant_id, payout.currency, payout.amount))
    draft.post(
        "reversal", legs, command.occurred_at, payout.merchant_id, reverses=payout.failed_transaction_id
    )
    return replace(payout, failed_transaction_id=None)


def _keep(draft: Draft, payout: Payout) -> None:
    draft.put(payout_ref(payout.merchant_id, payout.id), payout)
    if payout.has_left and "failed" in payout.facts:
        open_mismatch(
            draft,
            leg="M",
            category="STATUS_MISMATCH",
            merchant_id=payout.merchant_id,
            currency=payout.currency,
            actual_amount=payout.amount,
            explanation={
                "rule": "a payout that has left cannot have failed before",
                "payout_id": payout.id,
                "facts": list(payout.facts),
            },
            subject_ids=["payout", payout.id],
        )


def _announce(
    draft: Draft,
    payout: Payout,
    event: type[PayoutEvent],
    transaction_id: str | None,
    occurred_at: datetime,
    **more: int,
) -> None:
    record = event(
        id=draft.next_id(),
        seq=payout.seq,
        merchant_id=payout.merchant_id,
        payout_id=payout.id,
        amount=payout.amount,
        currency=payout.currency,
        status=payout.status,
        psp_payout_id=payout.psp_payout_id,
        transaction_id=transaction_id,
        occurred_at=occurred_at,
        **more,
    )
    draft.send(PAYMENTS_EVENTS, f"{payout.merchant_id}/{payout.id}", record)
