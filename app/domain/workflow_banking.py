"""What people's proposals post in the banking lane: what of a batch, or of a bank line, stands open.

What the bank did not bring of a batch's net, or brought too much, stands on its transit; a line that is
nobody's, and what lines of a payout moved otherwise, on `unapplied`. A force_match gives a line to the set
that a sweep has proposed, or to the one named.
"""

from typing import Final

from app.domain.accounts import DEBIT
from app.domain.bank_books import transit
from app.domain.bank_documents import Batch, HeldBankLine, bank_line_ref, batch_ref
from app.domain.bank_groups import BATCH_PREFIX, due, got, group_of, share
from app.domain.bank_payouts import (
    FEE_PREFIX,
    PAYOUT_PREFIX,
    BankPayout,
    bank_payout_ref,
    payout_subject,
)
from app.domain.bank_people import force, part
from app.domain.bank_sweep import LINE_PREFIX
from app.domain.decision import Draft, Leg, Refused
from app.domain.mismatch import Mismatch
from app.domain.payout_settling import source_of_payouts
from app.domain.settlement_postings import UNAPPLIED
from app.domain.state import PLATFORM
from app.domain.workflow import Books
from app.domain.workflow_postings import Standing, clear
from app.domain.workflow_state import MatchTarget, ProposalKind

OWED: Final = frozenset(
    {"MISSING_BANK", "AMOUNT_UNDER", "AMOUNT_OVER", "PARTIAL_SETTLEMENT", "DIRECTION_MISMATCH"}
)
"""What stands open is on the batch's transit."""
BEYOND: Final = frozenset({"AMOUNT_UNDER", "AMOUNT_OVER", "PARTIAL_SETTLEMENT", "STATUS_MISMATCH"})
"""What a payout's bank lines moved otherwise than our books is on `unapplied`."""
LOOSE: Final = frozenset({"UNEXPECTED_BANK", "AMBIGUOUS"})
"""It is a bank line's, on `unapplied`."""


def posting(
    draft: Draft, mismatch: Mismatch, kind: ProposalKind, target: MatchTarget | None
) -> tuple[Leg, ...]:
    if kind == "ignore":
        return ()
    if kind == "force_match":
        _set_of(draft, mismatch, target)
        return ()
    if mismatch.category in OWED and _named(mismatch, BATCH_PREFIX):
        return clear(_on_transit(draft, mismatch), kind)
    if mismatch.category in BEYOND and _named(mismatch, PAYOUT_PREFIX):
        return clear(_beyond_payout(draft, mismatch), kind)
    if mismatch.category in LOOSE and _named(mismatch, LINE_PREFIX):
        return clear(_on_unapplied(draft, mismatch), kind)
    raise Refused("kind_not_possible", f"{kind} does not resolve {mismatch.category}")


def matched(draft: Draft, mismatch: Mismatch, target: MatchTarget | None) -> None:
    """Give the line to its set; what that posts is booked by the line."""
    line = _line(draft, mismatch)
    force(draft, mismatch.owner_key, line.record.line_id, _set_of(draft, mismatch, target), mismatch.id)


def unmatched(draft: Draft, mismatch: Mismatch, target: MatchTarget | None) -> None:
    """The line is judged like any other again."""
    part(draft, mismatch.owner_key, _line(draft, mismatch).record.line_id, mismatch.id)


BOOKS: Final = Books(posting, matched, unmatched)


def _named(mismatch: Mismatch, prefix: str) -> str | None:
    """The one of its subjects that begins so, without that beginning."""
    found = [name for name in mismatch.explanation["subject_ids"] if name.startswith(prefix)]
    return found[0].removeprefix(prefix) if found else None


def _batch(draft: Draft, mismatch: Mismatch, name: str) -> Batch:
    batch: Batch | None = draft.get(batch_ref(mismatch.owner_key, name))
    if batch is None:
        raise Refused("facts_changed", f"there is no batch {name} at this account")
    return batch


def _line(draft: Draft, mismatch: Mismatch) -> HeldBankLine:
    line_id = _named(mismatch, LINE_PREFIX)
    held: HeldBankLine | None = None
    if line_id is not None:
        held = draft.get(bank_line_ref(mismatch.owner_key, line_id))
    if held is None:
        raise Refused("kind_not_possible", "force_match is proposed where the bank line's own mismatch is")
    return held


def _set_of(draft: Draft, mismatch: Mismatch, target: MatchTarget | None) -> tuple[str, ...]:
    """Whom to give it to: `target.home` is a batch's `{source}/{batch_id}` or `payout:{merchant}/{payout}`,

    else what was proposed.
    """
    line = _line(draft, mismatch)
    if target is not None and target.home.startswith(PAYOUT_PREFIX):
        return (_payout(draft, mismatch, target.home.removeprefix(PAYOUT_PREFIX)).subject,)
    if target is not None:
        name = target.home.removeprefix(BATCH_PREFIX)
        return (_batch(draft, mismatch, name).subject,)
    verdict = line.forced or (line.verdict.candidates if line.verdict and line.verdict.rule == "3" else ())
    if not verdict:
        raise Refused("target_missing", "name the batch that it pays: no set of batches is proposed")
    return tuple(verdict)


def _on_transit(draft: Draft, mismatch: Mismatch) -> Standing:
    name, currency = _named(mismatch, BATCH_PREFIX), mismatch.currency
    assert name is not None
    assert currency is not None
    batch = _batch(draft, mismatch, name)
    account = transit(batch)
    open_amount = due(batch, currency) - got(batch, currency)
    return Standing(account, currency, open_amount + _resolved(mismatch, account, currency))


def _payout(draft: Draft, mismatch: Mismatch, name: str) -> BankPayout:
    payout: BankPayout | None = draft.get(bank_payout_ref(mismatch.owner_key, name))
    if payout is None:
        raise Refused("facts_changed", f"no payout {name} was announced to this account")
    return payout


def _beyond_payout(draft: Draft, mismatch: Mismatch) -> Standing:
    name, currency = _named(mismatch, PAYOUT_PREFIX), mismatch.currency
    assert name is not None
    assert currency is not None
    payout, group = (
        _payout(draft, mismatch, name),
        group_of(draft, mismatch.owner_key, (), (payout_subject(name),)),
    )
    tolerance = source_of_payouts(draft.get(PLATFORM), mismatch.owner_key).bank_tolerance
    share(group, tolerance)
    left = 0
    for line in group.assigned.get(payout.subject, ()):
        booked = group.lines[line.line_id].shares
        left += line.amount - sum(booked.get(to, 0) for to in (payout.subject, FEE_PREFIX + payout.subject))
    return Standing(UNAPPLIED, currency, -left + _resolved(mismatch, UNAPPLIED, currency))


def _on_unapplied(draft: Draft, mismatch: Mismatch) -> Standing:
    line = _line(draft, mismatch)
    currency = line.record.currency
    left = line.record.amount - sum(line.shares.values())
    return Standing(UNAPPLIED, currency, -left + _resolved(mismatch, UNAPPLIED, currency))


def _resolved(mismatch: Mismatch, account: str, currency: str) -> int:
    """What this mismatch's approval has moved of it, debits positive."""
    legs = mismatch.resolution.proposal.legs if mismatch.resolution is not None else ()
    return sum(
        leg.amount if leg.direction == DEBIT else -leg.amount
        for leg in legs
        if (leg.account, leg.currency) == (account, currency)
    )
