"""Payouts: asked for by merchants at `POST /v1/payouts`, listed, and allowed or refused by people."""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec

from app.domain.command_base import MerchantCommand
from app.domain.commands import PayoutCreate
from app.domain.fields import Moment
from app.domain.payment_requests import PayoutApprove, PayoutReject
from app.domain.payout import Payout as DomainPayout
from app.domain.payout_records import BankTold
from app.store.web_lists import After, PayoutRow, list_rows
from web.body import NoBody
from web.call import Call, NoQuery, Reply, Write
from web.carrying_out import UNDER_WAY, Awaited, carry_out
from web.cursors import PayoutKey, columns, cut, read_cursor, write_cursor
from web.desk import request_id
from web.finding import OneQuery, find_one
from web.merchants import own_merchant
from web.params import Limit, PositionText, Text
from web.payment_asking import caller_of, new_id
from web.payment_bodies import NewPayout, Rejection
from web.payment_schemas import Payout, PayoutAtBank, PayoutBankLine, PayoutPage
from web.payment_view import operation_of

_decode: Final = msgspec.json.Decoder(DomainPayout).decode


class PayoutsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`since` ≤ created_at < `before`. `status`: several times, or with commas."""

    merchant_id: Text | None = None
    status: tuple[Text, ...] = ()
    currency: Text | None = None
    since: Moment | None = None
    before: Moment | None = None
    cursor: Annotated[str, msgspec.Meta(max_length=2000)] | None = None
    limit: Limit = 50
    min_position: PositionText | None = None


async def create_payout(call: Write[NoQuery, NewPayout]) -> Reply:
    command = PayoutCreate(
        **caller_of(call),
        payout_id=new_id(call, "po", call.body.payout_id),
        amount=call.body.amount,
        currency=call.body.currency,
    )
    return await _carry_out(call, command, command.payout_id)


async def approve_payout(call: Write[OneQuery, NoBody]) -> Reply:
    row = await find_one(call, PayoutRow, "payout")
    command = PayoutApprove(**_by_person(call, row), payout_id=row.id)
    return await _carry_out(call, command, row.id)


async def reject_payout(call: Write[OneQuery, Rejection]) -> Reply:
    row = await find_one(call, PayoutRow, "payout")
    command = PayoutReject(**_by_person(call, row), payout_id=row.id, reason=call.body.reason)
    return await _carry_out(call, command, row.id)


async def get_payout(call: Call[OneQuery]) -> Payout:
    row = await find_one(call, PayoutRow, "payout")
    return payout_of(row, to_staff=call.principal.merchant_id is None)


async def list_payouts(call: Call[PayoutsQuery]) -> PayoutPage:
    query = call.query
    after = read_cursor(query.cursor, PayoutKey)
    filters = {
        "merchant_id": own_merchant(call.principal, query.merchant_id),
        "status": list(query.status) or None,
        "currency": query.currency,
        "since": query.since,
        "before": query.before,
    }
    await call.deps.positions.wait_for(query.min_position)
    end = After(after.created_at, after.id, after.merchant_id) if after else None
    rows = await list_rows(call.deps.pool, PayoutRow, query.limit + 1, end, filters)
    page, has_more = cut(rows, query.limit)
    return PayoutPage(
        items=[payout_of(row, to_staff=call.principal.merchant_id is None) for row in page],
        has_more=has_more,
        next_cursor=write_cursor(PayoutKey.of(page[-1])) if has_more else None,
    )


def payout_of(row: PayoutRow, *, to_staff: bool = False) -> Payout:
    """The platform's bank accounts and their lines are no merchant's business."""
    state = _decode(row.state)
    return Payout(
        **columns(row, "state", "version"),
        approval=state.approval,
        decided_by=state.decided_by,
        period=state.period,
        parts=state.parts,
        residual=state.residual,
        operation=operation_of(state.asked) if state.asked else None,
        paid_at=state.paid_at,
        returned_at=state.returned_at,
        bank=_at_bank(state.bank, to_staff) if state.bank is not None and state.bank.lines else None,
    )


def _at_bank(told: BankTold, to_staff: bool) -> PayoutAtBank:
    lines = [
        PayoutBankLine(account=one.account, line_id=one.line_id, value_date=one.value_date)
        for one in (told.lines if to_staff else ())
    ]
    return PayoutAtBank(confirmed=told.confirmed, difference=told.difference, lines=lines)


def _is_settled(row: PayoutRow) -> bool:
    """Whether the PSP that is to pay has answered; nobody is asked before the approval."""
    asked = _decode(row.state).asked
    return asked is None or asked.state not in UNDER_WAY


def _by_person(call: Write[Any, Any], row: PayoutRow) -> dict[str, str]:
    """A person's request about a merchant's payout; keys of different people are different requests."""
    person = call.principal.key_id
    return {
        "id": request_id(f"{row.merchant_id}/{person}", call.route, call.key),
        "merchant_id": row.merchant_id,
        "by": f"key:{person}",
    }


async def _carry_out(call: Write[Any, Any], command: MerchantCommand, payout_id: str) -> Reply:
    awaited = Awaited(
        id=payout_id,
        poller=call.deps.desk.payouts,
        owned=(command.merchant_id, payout_id),
        is_settled=_is_settled,
        answer=payout_of,
    )
    return await carry_out(call, command, awaited)
