"""Brings one item to what its facts say: books, timers and mismatches, all in the record's one draft."""

from hashlib import sha256
from typing import Final

import msgspec
from msgspec.structs import replace

from app.domain.configuration import Platform
from app.domain.decision import Draft
from app.domain.judge import Finding, Tolerances, explanation, judge, tolerances
from app.domain.line_books import bring_up_to_date
from app.domain.matching import Item, Opened, home, item_ref
from app.domain.mismatch import Category
from app.domain.mismatches import mismatch_id, open_mismatch, resolve_mismatch
from app.domain.pairing import Roles, is_complete, roles
from app.domain.settlement import PaymentDue, SettlementDue
from app.domain.settlement_postings import targets
from app.domain.state import PLATFORM
from app.domain.streams import MATCHING_COMMANDS
from app.domain.windows import keep_timers

LEG: Final = "A"


def settle(draft: Draft, item: Item, cause: str) -> None:
    """Judge `item` afresh and keep it. `cause`: id of the record that changed it, named where it resolves."""
    platform: Platform | None = draft.get(PLATFORM)
    allowed = tolerances(platform, item.psp)
    split = roles(item, allowed.gross)
    item = _keep_books(draft, item, split, allowed)
    expectation = item.expectation
    complete = expectation is not None and is_complete(expectation, split.parts, allowed.gross)
    item = keep_timers(draft, platform, item, complete)
    item = _keep_mismatches(draft, item, split, allowed, cause)
    draft.put(item_ref(item.psp, item.identity, item.kind), item)


def missing_id(command: SettlementDue | PaymentDue) -> str:
    """Id of the mismatch that this window would open."""
    category: Category = "MISSING_SETTLEMENT" if isinstance(command, SettlementDue) else "MISSING_PAYMENT"
    subjects = (_name(command.psp, command.identity, command.kind),)
    return mismatch_id(MATCHING_COMMANDS, home(command.psp, command.identity), LEG, category, subjects)


def _keep_books(draft: Draft, item: Item, split: Roles, allowed: Tolerances) -> Item:
    if not item.lines:
        return item
    wanted = targets(item, split, allowed.gross)
    lines = tuple(bring_up_to_date(draft, item, line, wanted[line.record.id]) for line in item.lines)
    return replace(item, lines=lines)


def _keep_mismatches(draft: Draft, item: Item, split: Roles, allowed: Tolerances, cause: str) -> Item:
    """Open what the facts support, resolve what they no longer do; an unchanged finding is left alone."""
    findings = judge(item, split, allowed)
    if not findings and not item.open:
        return item
    keys = {finding.key for finding in findings}
    for key, opened in item.open.items():
        if key not in keys:
            resolve_mismatch(draft, opened.mismatch_id, f"no longer supported by the facts since {cause}")
    supported = {finding.key: _keep(draft, item, split, finding, allowed) for finding in findings}
    return replace(item, open=supported)


def _keep(draft: Draft, item: Item, split: Roles, finding: Finding, allowed: Tolerances) -> Opened:
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
    )
    return Opened(mismatch, evidence)


def _evidence(item: Item, finding: Finding) -> str:
    """Changes when the finding or the records it rests on change, not with the configuration's version."""
    records = [held.record for held in item.lines]
    return sha256(msgspec.json.encode((finding, item.expectation, records))).hexdigest()[:16]


def _name(psp: str, identity: str, kind: str) -> str:
    return f"{psp}/{identity}/{kind}"
