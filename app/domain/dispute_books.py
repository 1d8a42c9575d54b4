"""Brings what a dispute has posted to what its reports say: opening, fee and outcome, each a transaction.

What no longer holds is reversed by a transaction that names it, in one with the new posting where there is
one. The outcome is reversed before the opening, so that nothing is ever taken twice out of the held money.
"""

from collections.abc import Mapping
from datetime import datetime

from msgspec.structs import replace

from app.domain import postings
from app.domain.corrections import give_back
from app.domain.decision import Draft, Leg
from app.domain.dispute import Dispute, Posted, Standing
from app.domain.dispute_reports import Reports
from app.domain.funds import allocate, without_taken
from app.domain.merchant import platform_in
from app.domain.payment import Capture, Payment
from app.domain.postings import Legs

Captures = Mapping[str, Capture]


class DisputeBooks:
    """Posts for the disputes of one payment. `captures`: with their pending money as it is by now."""

    def __init__(self, draft: Draft, payment: Payment) -> None:
        self.draft = draft
        self.payment = payment
        self.captures: dict[str, Capture] = payment.captures

    def bring_up_to_date(self, old: Dispute | None, now: Standing, reports: Reports) -> Dispute:
        """The dispute as it stands `now`, with its postings."""
        if old is None:
            dispute = self._opened(now, reports)
        elif (old.amount, old.currency) == (now.amount, now.currency):
            dispute = replace(old, standing=now, reports=reports)
        else:
            dispute = self._reopened(old, now, reports)
        before = old.standing if old is not None else None
        dispute = self._with_fee(dispute, before)
        return self._with_outcome(dispute, before)

    def undo(self, old: Dispute) -> None:
        """It turned out to be another one: all that it posted is reversed."""
        for posted in (old.outcome, old.fee):
            self._replace(posted, "", [], old.standing.opened_at)
        reversed_legs = self._give_back(old)
        self._post("reversal", reversed_legs, old.standing.opened_at, old.opening)

    def _opened(self, now: Standing, reports: Reports) -> Dispute:
        psp = self.payment.psp
        taken, legs = self._take(psp, now)
        opening = self._post("dispute_opened", legs, now.opened_at)
        return Dispute(psp=psp, standing=now, reports=reports, taken=taken, opening=opening)

    def _reopened(self, old: Dispute, now: Standing, reports: Reports) -> Dispute:
        """With other figures: the PSP's replaced ours."""
        self._replace(old.outcome, "", [], now.opened_at)
        self._replace(old.fee, "", [], now.opened_at)
        reversed_legs = self._give_back(old)
        psp = self.payment.psp
        taken, legs = self._take(psp, now)
        posted = self._post("dispute_corrected", [*reversed_legs, *legs], now.opened_at, old.opening)
        opening = Posted(posted.transaction_id, _in_force(legs))
        return Dispute(psp=psp, standing=now, reports=reports, taken=taken, opening=opening)

    def _take(self, psp: str, now: Standing) -> tuple[tuple[tuple[str, int], ...], Legs]:
        """Like a refund: out of the captures' pending money first, the rest out of the available."""
        taken = allocate(self.captures, now.amount, now.currency)
        self.captures = without_taken(self.captures, taken.parts)
        merchant_id = self.payment.merchant_id
        legs = postings.dispute_opened(
            merchant_id, psp, now.currency, taken.from_pending, taken.from_available
        )
        return taken.parts, legs

    def _give_back(self, old: Dispute) -> Legs:
        back = give_back(self.captures, old.taken, old.currency)
        self.captures = back.captures
        stranded = postings.release(self.payment.merchant_id, old.currency, back.stranded)
        return [*postings.reversal(list(old.opening.legs)), *stranded]

    def _with_fee(self, dispute: Dispute, before: Standing | None) -> Dispute:
        now = dispute.standing
        if dispute.fee is not None and before is not None and before.fee == now.fee:
            return dispute
        legs: Legs = []
        if now.fee:
            passed_on = self._passes_on(dispute.psp)
            legs = postings.dispute_fee(
                self.payment.merchant_id, dispute.psp, now.currency, now.fee, passed_on
            )
        return replace(dispute, fee=self._replace(dispute.fee, "dispute_fee", legs, now.opened_at))

    def _with_outcome(self, dispute: Dispute, before: Standing | None) -> Dispute:
        now = dispute.standing
        if dispute.outcome is not None and before is not None and _outcome(before) == _outcome(now):
            return dispute
        at = now.decided_at or now.opened_at
        outcome = self._replace(dispute.outcome, f"dispute_{now.stage}", self._outcome_legs(dispute), at)
        return replace(dispute, outcome=outcome)

    def _outcome_legs(self, dispute: Dispute) -> Legs:
        now, merchant_id, psp = dispute.standing, self.payment.merchant_id, dispute.psp
        if now.stage == "won":
            passed_on = self._passes_on(psp)
            return postings.dispute_won(
                merchant_id, psp, now.currency, now.amount, now.fee_returned, passed_on
            )
        if now.stage == "lost":
            configured = platform_in(self.draft).psps.get(psp)
            platform_bears = configured is not None and configured.dispute_loss_bearer == "platform"
            return postings.dispute_lost(merchant_id, psp, now.currency, now.amount, platform_bears)
        return []

    def _passes_on(self, psp: str) -> bool:
        configured = platform_in(self.draft).psps.get(psp)
        return configured is not None and configured.dispute_fee_passed_on

    def _replace(self, old: Posted | None, kind: str, legs: Legs, at: datetime) -> Posted | None:
        """Post `legs` in the place of `old`; either may be missing."""
        if old is None:
            return self._post(kind, legs, at) if legs else None
        back = postings.reversal(list(old.legs))
        posted = self._post("dispute_corrected" if legs else "reversal", [*back, *legs], at, old)
        return Posted(posted.transaction_id, _in_force(legs)) if legs else None

    def _post(self, kind: str, legs: Legs, at: datetime, reverses: Posted | None = None) -> Posted:
        payment = self.payment
        transaction_id = self.draft.post(
            kind,
            legs,
            at,
            payment.merchant_id,
            payment.id,
            reverses=None if reverses is None else reverses.transaction_id,
        )
        return Posted(transaction_id, _in_force(legs))


def _in_force(legs: Legs) -> tuple[Leg, ...]:
    return tuple([leg for leg in legs if leg.amount])


def _outcome(standing: Standing) -> tuple[object, ...]:
    return (standing.stage, standing.fee_returned, standing.amount, standing.currency)
