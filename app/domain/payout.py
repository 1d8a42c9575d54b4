"""A payout to a merchant: started, then paid and perhaps returned, or failed before it left.

The status is the strongest of the facts that are known (returned > paid > failed > started), so any order
of arrival ends in the same one. Paid or returned proves that it left: a `failed` beside them posts nothing.
"""

from datetime import datetime
from typing import Final, Literal

import msgspec

from app.domain.asked import Asked
from app.domain.payout_records import BankTold
from app.domain.state import Ref

PayoutStatus = Literal["started", "paid", "failed", "returned", "pending_approval", "rejected"]
Approval = Literal["pending", "approved", "rejected"]
PayoutFactName = Literal["paid", "failed", "returned"]
STRONGEST_FIRST: Final[tuple[PayoutFactName, ...]] = ("returned", "paid", "failed")


_UNDECIDED: Final[dict[Approval | None, PayoutStatus]] = {
    "pending": "pending_approval",
    "rejected": "rejected",
}


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
    approval: Approval | None = None
    """None: nobody has to approve it."""
    requested_by: str | None = None
    decided_by: str | None = None
    period: str | None = None
    """Of the merchant's schedule, where that started it."""
    parts: dict[str, int] = {}
    """What moved the available money since the payout before, by kind, and what is kept back."""
    residual: int = 0
    """`amount` less its parts: what nothing explains."""
    asked: Asked | None = None
    """The call to the PSP that pays it."""
    started_at: datetime | None = None
    paid_at: datetime | None = None
    returned_at: datetime | None = None
    bank: BankTold | None = None
    """What the banking lane has found of it; None: nothing was told."""

    @property
    def status(self) -> PayoutStatus:
        found = next((fact for fact in STRONGEST_FIRST if fact in self.facts), None)
        return found or _UNDECIDED.get(self.approval, "started")

    @property
    def has_left(self) -> bool:
        return "paid" in self.facts or "returned" in self.facts


def payout_ref(merchant_id: str, payout_id: str) -> Ref:
    return Ref("payout", (merchant_id, payout_id))


def payout_subject(payout_id: str) -> str:
    """What facts about an unknown payout wait for."""
    return f"payout/{payout_id}"
