"""A payout to a merchant: started -> paid -> returned, or started -> failed."""

from typing import Literal

import msgspec

PayoutStatus = Literal["started", "paid", "failed", "returned"]


class Payout(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Amounts in minor units of `currency`."""

    merchant_id: str
    id: str
    status: PayoutStatus
    amount: int
    currency: str
    bank_fee: int = 0
    psp_payout_id: str | None = None
    seq: int = 0
    content: str = ""
