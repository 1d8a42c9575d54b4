"""Payouts by schedule: one per period and currency, whatever happens twice, since its id is the period's."""

from typing import Final

from app.domain.commands import MerchantConfigure, PayoutCreate, PayoutDue
from app.domain.configuration import PayoutSchedule
from app.domain.decision import Draft, Ignored, Refused
from app.domain.fields import MAX_AMOUNT
from app.domain.merchant import Merchant, known_merchant
from app.domain.payout import payout_ref, payout_subject
from app.domain.payout_calls import require_payout_psp
from app.domain.payout_requests import start_payout
from app.domain.payout_schedule import period_after
from app.domain.postings import available
from app.domain.timers import clear_timer, set_timer, take_fired

TIMER: Final = "payout"
SUBJECT: Final = "schedule"


def schedule_payouts(draft: Draft, before: Merchant | None, command: MerchantConfigure) -> None:
    """Set, move or clear the timer of the merchant's schedule, where that has changed."""
    old = before.payout_schedule if before is not None else None
    if command.payout_schedule != old:
        _set_next(draft, command.merchant_id, command.payout_schedule)


def pay_out(draft: Draft, command: PayoutDue) -> tuple[str, ...]:
    """What is available, less the reserve, in each currency where it reaches the minimum."""
    fired = take_fired(draft, command.id)
    if not fired.is_of(TIMER, SUBJECT):
        raise Ignored("the record is not the timer's own")
    merchant = known_merchant(draft, command.merchant_id)
    schedule = merchant.payout_schedule
    if schedule is None:
        raise Ignored("payouts are made by hand")
    _set_next(draft, merchant.merchant_id, schedule)
    due = [_payout(draft, merchant, schedule, command.period, currency) for currency in merchant.currencies]
    made = [one for one in due if one is not None and _made(draft, one, command.period)]
    return tuple([payout_subject(one.payout_id) for one in made])


def _set_next(draft: Draft, merchant_id: str, schedule: PayoutSchedule | None) -> None:
    period = None if schedule is None else period_after(schedule, draft.now)
    if period is None:
        clear_timer(draft, TIMER, SUBJECT)
        return
    due = PayoutDue(id="-", merchant_id=merchant_id, period=period.name)
    set_timer(draft, TIMER, SUBJECT, period.ends_at, due)


def _payout(
    draft: Draft, merchant: Merchant, schedule: PayoutSchedule, period: str, currency: str
) -> PayoutCreate | None:
    amount = min(draft.balance(available(merchant.merchant_id), currency) - schedule.reserve, MAX_AMOUNT)
    if amount < max(1, schedule.minimum):
        return None
    payout_id = f"scheduled-{period}-{currency}"
    return PayoutCreate(
        id="-", merchant_id=merchant.merchant_id, payout_id=payout_id, amount=amount, currency=currency
    )


def _made(draft: Draft, payout: PayoutCreate, period: str) -> bool:
    """Start it, unless the period has it already, or the PSP cannot be asked: the next period takes all."""
    if draft.get(payout_ref(payout.merchant_id, payout.payout_id)) is not None:
        return False
    try:
        require_payout_psp(draft, payout.merchant_id)
    except Refused:
        return False
    start_payout(draft, payout, period)
    return True
