"""A payment as the set of its facts: status and amounts are computed from them, never from their order."""

from datetime import datetime
from typing import Literal

import msgspec

Status = Literal[
    "created",
    "executing",
    "unknown",
    "failed",
    "requires_action",
    "authorized",
    "expired",
    "voided",
    "captured",
]


class Capture(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Money a PSP took. `pending` is what is neither released nor refunded yet, minor units."""

    amount: int
    platform_fee: int
    psp_fee: int | None = None
    merchant_pays_psp_fee: bool = False
    pending: int
    psp_capture_id: str | None = None
    transaction_id: str
    occurred_at: datetime
    content: str
    """Hash of the fact's content: the same capture by another command id is a duplicate only if equal."""


class Refund(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Money given back. `requested` ones came as `refund.create` and are confirmed by a fact."""

    amount: int
    from_pending: int
    psp_refund_id: str | None = None
    transaction_id: str
    confirmed: bool = True
    content: str = ""


class Payment(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One payment order. Amounts are minor units of `currency`."""

    merchant_id: str
    id: str
    currency: str
    psp: str
    psp_payment_id: str | None = None
    order_ref: str | None = None
    invoice_id: str | None = None
    captures: dict[str, Capture] = {}
    refunds: dict[str, Refund] = {}
    disputed_amount: int = 0
    dispute_status: str = "none"
    settlement_status: str = "none"
    flags: tuple[str, ...] = ()
    seq: int = 0
    """Number of the last event about this payment; consumers drop what they have seen."""

    @property
    def captured_amount(self) -> int:
        return sum(capture.amount for capture in self.captures.values())

    @property
    def refunded_amount(self) -> int:
        return sum(refund.amount for refund in self.refunds.values())

    @property
    def status(self) -> Status:
        return "captured" if self.captures else "created"
