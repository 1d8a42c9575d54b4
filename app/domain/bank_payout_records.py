"""A payout announces itself to its bank account, or has waited long enough there."""

from collections.abc import Iterator

from msgspec.structs import replace

from app.domain.bank_documents import BankWeek, week_ref
from app.domain.bank_names import normal
from app.domain.bank_naming import name_again, register_payout
from app.domain.bank_payouts import BankPayout, bank_payout_ref, last_moment, weeks_of_payout
from app.domain.bank_settling import settle_bank
from app.domain.decision import Draft, Duplicate, Ignored
from app.domain.payout_records import PayoutAnnounced, PayoutLineDue, payout_name
from app.domain.payout_settling import TIMER
from app.domain.timers import take_fired


def hear_payout(draft: Draft, command: PayoutAnnounced) -> None:
    """What is said last holds; lines that name it, now or no longer, are settled with it."""
    ref = bank_payout_ref(command.account, payout_name(command.merchant_id, command.payout_id))
    known: BankPayout | None = draft.get(ref)
    if known is not None and known.record.seq >= command.seq:
        raise Duplicate
    payout = BankPayout(record=command) if known is None else replace(known, record=command)
    draft.put(ref, payout)
    names = names_of(command)
    for name in names:
        register_payout(draft, command.account, name, payout.subject)
    lines, subjects = name_again(draft, command.account, _lines_with(draft, command, names))
    settle_bank(draft, command.account, command.id, lines, {payout.subject, *subjects})


def names_of(record: PayoutAnnounced) -> tuple[str, ...]:
    """By which a bank line's text may name it; merchants may share a payout's id, not its whole name."""
    own = (record.payout_id, record.psp_payout_id, payout_name(record.merchant_id, record.payout_id))
    return tuple([normal(name) for name in own if name])


def _lines_with(draft: Draft, record: PayoutAnnounced, names: tuple[str, ...]) -> Iterator[str]:
    for week in weeks_of_payout(record):
        lines: BankWeek | None = draft.get(week_ref(record.account, week))
        if lines is not None:
            yield from (line_id for line_id, found in lines.lines.items() if not {*names}.isdisjoint(found))


def close_payout(draft: Draft, command: PayoutLineDue) -> None:
    """Its window has closed. A timer that was moved or cleared has no effect."""
    fired = take_fired(draft, command.id)
    name = payout_name(command.merchant_id, command.payout_id)
    ref = bank_payout_ref(command.account, name)
    payout: BankPayout | None = draft.get(ref)
    if payout is None or not fired.is_of(TIMER, name):
        raise Ignored("the timer's id names another payout")
    draft.put(ref, replace(payout, closed_for=last_moment(payout.record), due_ms=None))
    settle_bank(draft, command.account, command.id, (), (payout.subject,))
