"""Findings about one side that has no other: missing, ambiguous, a dispute that nobody knows of."""

from collections.abc import Iterator
from typing import Final

from app.domain.directory import waiting_facts
from app.domain.findings import Finding, batch_of
from app.domain.matching import HeldLine, Item
from app.domain.mismatch import Category
from app.domain.settlement import ExpectationAnnounced, LineKind

DISPUTES: Final[frozenset[LineKind]] = frozenset({"chargeback", "chargeback_reversal"})


def missing_settlement(item: Item, expectation: ExpectationAnnounced) -> Iterator[Finding]:
    """Nothing came under any of its identities, and nothing that could be it by amount and date."""
    if not (item.settlement_closed and item.verdict is not None):
        return
    reasons = ["no settlement line came under its identities before the settlement window closed"]
    if item.verdict.lines:
        reasons.append(f"one of the lines {', '.join(item.verdict.lines)} may be it: a person has to decide")
    yield Finding(
        "MISSING_SETTLEMENT",
        None,
        expectation.currency,
        expectation.gross,
        None,
        None,
        {},
        tuple(reasons),
    )


def missing_payment(item: Item) -> Iterator[Finding]:
    """Lines and PSP's facts whose payment nobody announced before their window closed."""
    if not item.payment_closed:
        return
    judged = [held for held in item.own_lines if held.verdict is not None]
    yield from (_ambiguous(held) for held in judged if _is_ambiguous(held))
    alone = [held for held in judged if not _is_ambiguous(held)]
    facts = waiting_facts(item)
    if alone:
        yield _unannounced(item, alone)
    elif facts:
        known = min(facts, key=lambda waiting: (waiting.fact.occurred_at, waiting.id)).fact
        reason = f"{item.psp} reported {known.kind} of a payment that nobody announced under this identity"
        yield Finding("MISSING_PAYMENT", None, known.currency, None, known.amount, None, {}, (reason,))


def _is_ambiguous(held: HeldLine) -> bool:
    return held.verdict is not None and held.verdict.rule == "A3"


def _unannounced(item: Item, alone: list[HeldLine]) -> Finding:
    lines = tuple([held.record for held in alone])
    currency = lines[0].currency
    total = sum(line.gross for line in lines if line.currency == currency)
    if item.kind in DISPUTES:
        category: Category = "DISPUTE_UNMATCHED"
        reason = "no dispute was announced under its identities, and its payment is not known either"
    else:
        category = "MISSING_PAYMENT"
        reason = "no payment was announced under its identities before the line's window closed"
    return Finding(category, None, currency, None, total, batch_of(lines), {}, (reason,))


def _ambiguous(held: HeldLine) -> Finding:
    line, verdict = held.record, held.verdict
    assert verdict is not None
    names = ", ".join(candidate.subject for candidate in verdict.candidates)
    reason = f"{names} could each be it: nothing is guessed, a person decides"
    return Finding("AMBIGUOUS", line.id, line.currency, None, line.gross, line.batch_id, {}, (reason,))
