"""What people's proposals post in the matching lane: what of an object, or of its lines, stands open.

An object's receivable is what was announced, less what its lines gave up of it; a line that nobody expects
stands on `unapplied`. Approved postings count, so that a second mismatch of the object posts nothing twice.
"""

from typing import Final

from msgspec.structs import replace

from app.domain.accounts import DEBIT
from app.domain.decision import Draft, Leg, Refused
from app.domain.line_books import posted
from app.domain.matching import HeldLine, Item, item_ref
from app.domain.matching_records import Candidate
from app.domain.mismatch import Mismatch
from app.domain.mismatch_keeping import mismatch_ref
from app.domain.settlement import ExpectationAnnounced
from app.domain.settlement_postings import UNAPPLIED
from app.domain.settling import settle
from app.domain.workflow import Books
from app.domain.workflow_postings import Standing, clear
from app.domain.workflow_state import MatchTarget, ProposalKind

OWED: Final = frozenset({"MISSING_SETTLEMENT", "AMOUNT_UNDER", "AMOUNT_OVER", "DIRECTION_MISMATCH"})
"""What stands open is on the PSP's receivable."""
LOOSE: Final = frozenset({"MISSING_PAYMENT", "DUPLICATE_SETTLEMENT", "DISPUTE_UNMATCHED", "AMBIGUOUS"})
"""It is a line's, on `unapplied`."""
POSTED: Final = frozenset({"FEE_VARIANCE"})
"""The line has posted it to a variance account already."""
MATCHED: Final = frozenset({"MISSING_PAYMENT", "DISPUTE_UNMATCHED", "AMBIGUOUS"})


def posting(
    draft: Draft, mismatch: Mismatch, kind: ProposalKind, target: MatchTarget | None
) -> tuple[Leg, ...]:
    category, item = mismatch.category, _item(draft, mismatch)
    if kind == "ignore":
        return ()
    if kind == "force_match":
        _require_line(mismatch, item, target)
        return ()
    if category in POSTED and kind == "accept_as_fee":
        return ()
    if category in OWED and item.expectation is not None:
        return clear(_receivable(draft, item, item.expectation), kind)
    if category in LOOSE:
        return clear(_unapplied(draft, item, mismatch), kind)
    raise Refused("kind_not_possible", f"{kind} does not resolve {category}")


def matched(draft: Draft, mismatch: Mismatch, target: MatchTarget | None) -> None:
    """Send the lines to the expectation that a person named; its own lane pairs and posts."""
    assert target is not None
    found = Candidate(target.merchant_id, target.object_id, target.payment_id, target.home)
    _force(draft, mismatch, found)


def unmatched(draft: Draft, mismatch: Mismatch, target: MatchTarget | None) -> None:
    """They come back, and are judged like any other."""
    _force(draft, mismatch, None)


BOOKS: Final = Books(posting, matched, unmatched)


def _force(draft: Draft, mismatch: Mismatch, candidate: Candidate | None) -> None:
    item = _item(draft, mismatch)
    lines = _lines(item, mismatch) if candidate is not None else [h for h in item.away if h.forced]
    for held in lines:
        forced = replace(held, forced=candidate)
        item = item.with_away(forced) if forced.sent_to is not None else item.with_line(forced)
    settle(draft, item, mismatch.id)


def _item(draft: Draft, mismatch: Mismatch) -> Item:
    identity = mismatch.explanation["identity"]
    item: Item | None = draft.get(item_ref(identity["psp"], identity["identity"], identity["kind"]))
    if item is None:
        raise Refused("facts_changed", "the records of this mismatch are gone")
    return item


def _lines(item: Item, mismatch: Mismatch) -> list[HeldLine]:
    """Those that the mismatch is about: the one it names, else all that nobody expects."""
    named = set(mismatch.explanation["subject_ids"])
    about = [held for held in item.lines if held.record.id in named]
    return about or [held for held in item.own_lines if item.expectation is None]


def _require_line(mismatch: Mismatch, item: Item, target: MatchTarget | None) -> None:
    if mismatch.category not in MATCHED or not _lines(item, mismatch):
        raise Refused("kind_not_possible", "force_match is proposed where the line's own mismatch is")
    if target is None:
        raise Refused("target_missing", "name the payment that it settles")
    if target.home == item.identity:
        raise Refused("kind_not_possible", "they lie under one identity: the lane pairs them by itself")


def _receivable(draft: Draft, item: Item, expectation: ExpectationAnnounced) -> Standing:
    account, currency = f"psp_recv:{item.psp}", expectation.currency
    owed = expectation.gross - (expectation.expected_fee or 0)
    moved = sum(posted(held).get((account, currency), 0) for held in item.lines)
    return Standing(account, currency, owed + moved + _resolved(draft, item, account, currency))


def _unapplied(draft: Draft, item: Item, mismatch: Mismatch) -> Standing:
    """A guest's money was put there by its home, so the records tell what stands, not the postings."""
    lines = _lines(item, mismatch)
    if not lines:
        raise Refused("nothing_to_post", "no line has brought any money yet: ignore it, or wait")
    currency = lines[0].record.currency
    gross = sum(held.record.gross for held in lines if held.record.currency == currency)
    own = mismatch_ref(mismatch.id).key[0]
    return Standing(UNAPPLIED, currency, -gross + _resolved(draft, item, UNAPPLIED, currency, own))


def _resolved(draft: Draft, item: Item, account: str, currency: str, only: str | None = None) -> int:
    """What approvals have moved of it, debits positive; of one mismatch, or of all of the item."""
    total = 0
    for opened in item.open.values():
        if only is not None and opened.mismatch_id != only:
            continue
        known: Mismatch | None = draft.get(mismatch_ref(opened.mismatch_id))
        legs = known.resolution.proposal.legs if known is not None and known.resolution is not None else ()
        for leg in legs:
            if (leg.account, leg.currency) == (account, currency):
                total += leg.amount if leg.direction == DEBIT else -leg.amount
    return total
