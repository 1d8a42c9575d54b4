"""Facts about payouts: paid, failed, returned. Requests for them: `payout_requests.py`.

A fact that comes before its payout waits for it. Facts may come in any order: each posts once, and what a
`failed` gave back is taken again when it turns out that the payout had left.
"""

from typing import Final

from msgspec.structs import replace

from app.domain import postings
from app.domain.commands import PayoutFact, PayoutFailed, PayoutPaid, PayoutReturned
from app.domain.decision import Conflict, Draft, Duplicate, Parked
from app.domain.events import PayoutCameBack, PayoutHasFailed, PayoutWasPaid
from app.domain.guards import watch_balance
from app.domain.mismatches import open_mismatch
from app.domain.payout import Payout, PayoutFactName, payout_ref, payout_subject
from app.domain.payout_outputs import announce_payout

FACTS: Final[dict[type[PayoutFact], PayoutFactName]] = {
    PayoutPaid: "paid",
    PayoutFailed: "failed",
    PayoutReturned: "returned",
}


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
    known = replace(payout, bank_fee=command.bank_fee, paid_at=command.occurred_at)
    payout = _left_after_all(draft, known, command)
    legs = postings.payout_paid(payout.bank_account, payout.currency, payout.amount, payout.bank_fee)
    posted = draft.post("payout_paid", legs, command.occurred_at, payout.merchant_id)
    _keep(draft, payout)
    announce_payout(draft, payout, PayoutWasPaid, posted, command.occurred_at, bank_fee=payout.bank_fee)


def _returned(draft: Draft, payout: Payout, command: PayoutReturned) -> None:
    payout = _left_after_all(draft, replace(payout, returned_at=command.occurred_at), command)
    legs = postings.payout_returned(payout.merchant_id, payout.bank_account, payout.currency, payout.amount)
    posted = draft.post("payout_returned", legs, command.occurred_at, payout.merchant_id)
    _keep(draft, payout)
    announce_payout(draft, payout, PayoutCameBack, posted, command.occurred_at)


def _failed(draft: Draft, payout: Payout, command: PayoutFailed) -> None:
    posted = None
    if not payout.has_left and payout.failed_transaction_id is None:
        legs = postings.payout_failed(payout.merchant_id, payout.currency, payout.amount)
        posted = draft.post("payout_failed", legs, command.occurred_at, payout.merchant_id)
        payout = replace(payout, failed_transaction_id=posted)
    _keep(draft, payout)
    announce_payout(draft, payout, PayoutHasFailed, posted, command.occurred_at)


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
    if payout.has_left and ("failed" in payout.facts or payout.approval == "rejected"):
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
