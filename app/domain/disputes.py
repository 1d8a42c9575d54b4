"""`dispute.opened`, `dispute.won`, `dispute.lost`: facts, kept once each and never refused.

All that was reported of a payment's disputes is kept; which disputes there are, their figures and their
outcome follow from the set of reports (`dispute_reports.py`), their postings from that (`dispute_books.py`).
An outcome implies the opening, so none of them waits for another.
"""

from typing import Final

from msgspec.structs import replace

from app.domain.commands import DisputeFact, DisputeLost, DisputeOpened, DisputeWon
from app.domain.decision import Draft, Duplicate, Parked
from app.domain.dedup import claim_all, dispute_claims
from app.domain.dispute import Dispute, DisputeFactName, Report
from app.domain.dispute_books import DisputeBooks
from app.domain.dispute_outputs import announce
from app.domain.dispute_reports import Reports, contradicting, grouped, in_order, merged, standing
from app.domain.expectations import keep_expectations
from app.domain.funds import release_again
from app.domain.guards import watch_balance
from app.domain.payment import Payment, payment_ref
from app.domain.payment_checks import figures_differ, judged
from app.domain.payment_identity import find_captured, payment_subject

FACTS: Final[dict[type[DisputeFact], DisputeFactName]] = {
    DisputeOpened: "opened",
    DisputeWon: "won",
    DisputeLost: "lost",
}


def record_dispute(draft: Draft, command: DisputeFact) -> None:
    """Raises Parked until its payment's first capture, Duplicate, Conflict."""
    named = find_captured(draft, command.merchant_id, command.payment_id)
    if named is None:
        raise Parked(payment_subject(command.payment_id))
    payment = _holder(draft, named, command)
    known = in_order(payment.dispute_reports)
    reports = merged(known, _report(command))
    if reports == known:
        raise Duplicate
    _keep(draft, payment, reports, command)
    claim_all(draft, dispute_claims(command), payment.id)


def _report(command: DisputeFact) -> Report:
    fee = 0
    if isinstance(command, DisputeOpened):
        fee = command.fee
    elif isinstance(command, DisputeWon):
        fee = command.fee_returned
    return Report(
        FACTS[type(command)],
        command.psp_dispute_id,
        command.dispute_id,
        command.amount,
        command.currency,
        fee,
        command.occurred_at,
    )


def _holder(draft: Draft, named: Payment, command: DisputeFact) -> Payment:
    """The payment that this dispute was reported of first, else the one that the record names."""
    identity = _report(command).identity
    for claim in dispute_claims(command)[:1]:
        owner: str | None = draft.get(claim)
        if owner is not None and owner != named.id:
            other: Payment = draft.get(payment_ref(named.merchant_id, owner))
            known = any(one.identity == identity for one in other.dispute_reports)
            if known and other.psp == named.psp:
                return other
    return named


def _keep(draft: Draft, before: Payment, reports: Reports, command: DisputeFact) -> None:
    disputes, captures = _with_books(draft, before, reports)
    payment = replace(before, disputes=disputes, captures=captures)
    for key, dispute in disputes.items():
        ours = contradicting(dispute.reports)
        if ours is not None:
            payment = figures_differ(draft, payment, "dispute", key, ours=ours, psps=dispute)
    payment = judged(draft, payment)
    payment = announce(draft, before, payment, command)
    draft.put(payment_ref(payment.merchant_id, payment.id), payment)
    keep_expectations(draft, before, payment)
    release_again(draft, payment)
    moved = {one.currency for one in (*before.disputes.values(), *disputes.values())}
    for currency in sorted(moved):
        watch_balance(draft, payment.merchant_id, currency)


def _with_books(
    draft: Draft, before: Payment, reports: Reports
) -> tuple[dict[str, Dispute], dict[str, object]]:
    """The payment's disputes after these reports, posted; and its captures after that."""
    wanted = grouped(reports)
    heirs = heirs_of(before.disputes, wanted)
    books = DisputeBooks(draft, before)
    for key, old in before.disputes.items():
        if key not in heirs.values():
            books.undo(old)
    disputes = {
        key: books.bring_up_to_date(before.disputes.get(heirs.get(key, "")), standing(own), own)
        for key, own in wanted.items()
    }
    return disputes, dict(books.captures)


def heirs_of(disputes: dict[str, Dispute], wanted: dict[str, Reports]) -> dict[str, str]:
    """Key of a dispute -> key under which it was kept so far, where it was kept."""
    heirs = {key: key for key in wanted if key in disputes}
    for key, own in wanted.items():
        if key not in heirs:
            gone = [old for old in disputes if old not in wanted and old not in heirs.values()]
            shared = [old for old in gone if set(disputes[old].reports) & set(own)]
            if shared:
                heirs[key] = shared[0]
    return heirs
