"""Brings one item to what its facts say: pairs, books, timers, mismatches, all in the record's one draft."""

from datetime import date
from hashlib import sha256
from typing import Final

import msgspec
from msgspec.structs import replace

from app.domain.batch_shares import tell_batches
from app.domain.configuration import Platform
from app.domain.decision import Draft
from app.domain.directory import forward_facts
from app.domain.findings import Finding, Tolerances, explanation, tolerances
from app.domain.judge import judge
from app.domain.judge_unpaired import DISPUTES
from app.domain.leftovers import keep_leftovers
from app.domain.line_books import keep_books
from app.domain.matching import Item, Opened, home, item_ref
from app.domain.matching_records import MatchDecided
from app.domain.mismatch import Category
from app.domain.mismatches import mismatch_id, open_mismatch, resolve_mismatch
from app.domain.pairing import Roles, is_complete, roles
from app.domain.routing import route, tell_visitors
from app.domain.state import PLATFORM
from app.domain.streams import MATCHING_COMMANDS
from app.domain.verdicts import tell_merchant
from app.domain.windows import calendar_of, expected_settle_on, keep_timers, psp_of

LEG: Final = "A"


def settle(draft: Draft, item: Item, cause: str) -> None:
    """Judge `item` afresh and keep it. `cause`: id of the record that changed it, named where it resolves."""
    ref = item_ref(item.psp, item.identity, item.kind)
    before: Item | None = draft.get(ref)
    platform: Platform | None = draft.get(PLATFORM)
    psp = psp_of(platform, item.psp)
    item = forward_facts(draft, item)
    item = route(draft, item, psp is None or psp.references, psp is None or psp.match_by_amount)
    allowed = tolerances(platform, item)
    split = roles(item, allowed.gross)
    item = keep_books(draft, item, split, allowed.gross)
    expectation = item.expectation
    complete = expectation is not None and is_complete(expectation, split.parts, allowed.gross)
    item = keep_timers(draft, platform, item, complete)
    item = keep_leftovers(draft, platform, item)
    item = _keep_mismatches(draft, item, split, allowed, platform, cause)
    item = tell_merchant(draft, item, complete)
    item = tell_batches(draft, platform, before, item, split.parts)
    tell_visitors(draft, before, item)
    draft.put(ref, item)


def missing_id(command: MatchDecided) -> str:
    """Id of the mismatch that this verdict opens where it found nothing."""
    category: Category = "MISSING_SETTLEMENT"
    if command.side == "line":
        category = "DISPUTE_UNMATCHED" if command.kind in DISPUTES else "MISSING_PAYMENT"
    subjects = (_name(command.psp, command.identity, command.kind),)
    return mismatch_id(MATCHING_COMMANDS, home(command.psp, command.identity), LEG, category, subjects)


def _keep_mismatches(
    draft: Draft, item: Item, split: Roles, allowed: Tolerances, platform: Platform | None, cause: str
) -> Item:
    """Open what the facts support, resolve what they no longer do; an unchanged finding is left alone."""
    findings = judge(item, split, allowed, platform)
    if not findings and not item.open:
        return item
    keys = {finding.key for finding in findings}
    for key, opened in item.open.items():
        if key not in keys:
            resolve_mismatch(draft, opened.mismatch_id, f"no longer supported by the facts since {cause}")
    supported = {finding.key: _keep(draft, item, split, finding, allowed, platform) for finding in findings}
    return replace(item, open=supported)


def _keep(
    draft: Draft,
    item: Item,
    split: Roles,
    finding: Finding,
    allowed: Tolerances,
    platform: Platform | None,
) -> Opened:
    evidence = _evidence(item, finding)
    known = item.open.get(finding.key)
    if known is not None and known.evidence == evidence:
        return known
    expectation = item.expectation
    name = _name(item.psp, item.identity, item.kind)
    mismatch = open_mismatch(
        draft,
        leg=LEG,
        category=finding.category,
        merchant_id=expectation.merchant_id if expectation else None,
        psp=item.psp,
        payment_id=expectation.payment_id if expectation else None,
        batch_id=finding.batch_id,
        currency=finding.currency,
        expected_amount=finding.expected_amount,
        actual_amount=finding.actual_amount,
        explanation=explanation(item, split, finding, allowed),
        subject_ids=(name, finding.line_id) if finding.line_id else (name,),
        expected_on=_expected_on(item, platform),
    )
    return Opened(mismatch, evidence)


def _expected_on(item: Item, platform: Platform | None) -> date:
    """The expected settlement date; of what nobody expects, the day its first line was booked."""
    if item.expectation is not None:
        return expected_settle_on(calendar_of(platform, item.psp), item.expectation.occurred_at)
    booked = [held.record.booked_on for held in item.lines]
    said = [waiting.fact.occurred_at.date() for waiting in item.facts]
    return min(booked or said)


def _evidence(item: Item, finding: Finding) -> str:
    """Changes when the finding or the records it rests on change, not with the configuration's version."""
    records = [held.record for held in item.lines]
    facts = [waiting.id for waiting in item.facts]
    return sha256(msgspec.json.encode((finding, item.expectation, records, facts))).hexdigest()[:16]


def _name(psp: str, identity: str, kind: str) -> str:
    return f"{psp}/{identity}/{kind}"
