"""Opening balances: what other books said when these began, against `opening`, which shows what is left.

One per account and currency: the record's id is theirs, so a file taken over twice changes nothing, and
another amount for the same account is a contradiction that people look at.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Annotated, Final

from msgspec import Meta

from app.domain.accounts import CREDIT, DEBIT, NORMAL_SIDE, prefix
from app.domain.calendar import start_of_day
from app.domain.command_base import Command, MerchantCommand
from app.domain.decision import Draft, Ignored, Leg
from app.domain.fields import Amount, Currency, LongId, SignedAmount
from app.domain.merchant import merchant_ref
from app.domain.money import check_currency
from app.domain.postings import available
from app.domain.state import Ref, account_ref

OPENING: Final = "opening"
KIND: Final = "opening_balance"
PLATFORM_ACCOUNTS: Final = ("bank", "psp_recv", "reserve", "suspense")
"""Kinds of accounts that may be opened; others hold items of which every part is known (batches, payouts)."""


class PlatformBalanceOpened(Command, frozen=True, kw_only=True, tag="platform_balance.opened"):
    """`amount`: signed, on the account's normal side."""

    account: Annotated[LongId, Meta(pattern="^(bank|psp_recv|reserve):.|^suspense$")]
    currency: Currency
    amount: SignedAmount
    on: date
    by: LongId

    def __post_init__(self) -> None:
        check_currency(self.currency)


class MerchantBalanceOpened(MerchantCommand, frozen=True, kw_only=True, tag="merchant_balance.opened"):
    """What a merchant may be paid out from the first day on."""

    amount: Amount
    currency: Currency
    on: date
    by: LongId

    def __post_init__(self) -> None:
        MerchantCommand.__post_init__(self)
        check_currency(self.currency)


def open_platform_balance(draft: Draft, command: PlatformBalanceOpened) -> None:
    """Raises Ignored for a balance of zero."""
    if not command.amount:
        raise Ignored("there is nothing to open")
    side = NORMAL_SIDE[prefix(command.account)]
    _post(draft, command.account, side, command.amount, command.currency, command.on)


def open_merchant_balance(draft: Draft, command: MerchantBalanceOpened) -> None:
    account = available(command.merchant_id)
    _post(draft, account, CREDIT, command.amount, command.currency, command.on, command.merchant_id)


def rows_of(command: PlatformBalanceOpened | MerchantBalanceOpened) -> Iterable[Ref]:
    """Rows the decision will surely want."""
    if isinstance(command, PlatformBalanceOpened):
        return (account_ref(command.account, command.currency), account_ref(OPENING, command.currency))
    own = account_ref(available(command.merchant_id), command.currency)
    return (merchant_ref(command.merchant_id), own, account_ref(OPENING, command.currency))


def _post(
    draft: Draft,
    account: str,
    side: str,
    amount: int,
    currency: str,
    on: date,
    merchant_id: str | None = None,
) -> None:
    other = CREDIT if side == DEBIT else DEBIT
    if amount < 0:
        side, other = other, side
    legs = [Leg(account, side, abs(amount), currency), Leg(OPENING, other, abs(amount), currency)]
    draft.post(KIND, legs, start_of_day(on), merchant_id)
