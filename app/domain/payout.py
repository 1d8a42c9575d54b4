"""A payout to a merchant: started, then paid and perhaps returned, or failed before it left.

The status is the strongest of the facts that are known (returned > paid > failed > started), so any order
of arrival ends in the same one. Paid or returned proves that it left: a `failed` beside them posts nothing.
"""

from typing import Final, Literal

import msgspec

from app.domain.state import Ref

PayoutStatus = Literal["started", "paid", "failed", "returned"]
PayoutFactName = Literal["paid", "failed", "returned"]
STRONGEST_FIRST: Final[tuple[PayoutFactName, ...]] = ("returned", "paid", "failed")


class Payout(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Amounts in minor units of `currency`. `bank_account`: the platform's account it is paid from."""

    merchant_id: str
    id: str
    amount: int
    currency: str
    bank_account: str
    transaction_id: str
    facts: tuple[PayoutFactName, ...] = ()
    """A sorted set."""
    failed_transaction_id: str | None = None
    """The posting of a `failed` that is in force."""
    bank_fee: int = 0
    psp_payout_id: str | None = None
    seq: int = 0

    @property
    def status(self) -> PayoutStatus:
        return next((fact for fact in STRONGEST_FIRST if fact in self.facts), "started")

    @property
    def has_left(self) -> bool:
        return "paid" in self.facts or "returned" in self.facts


def payout_ref(merchant_id: str, payout_id: str) -> Ref:
    return Ref("payout", (merchant_id, payout_id))
