"""What the PSP of the asking histories keeps: charges with their parts, and payouts."""

from __future__ import annotations

from dataclasses import dataclass, field

from app.domain.psp_calls import PspCall


@dataclass
class Part:
    """A capture (`done`), a refund (`done`, `failed`) or a dispute (`open`, `won`, `lost`)."""

    id: str
    amount: int
    state: str = "done"
    own_id: str | None = None


@dataclass
class Charge:
    """`state`: open, asks, failed, authorized, voided or expired; `told`: kinds of its facts."""

    id: str
    call: PspCall
    state: str
    captures: dict[str, Part] = field(default_factory=dict)
    refunds: dict[str, Part] = field(default_factory=dict)
    disputes: dict[str, Part] = field(default_factory=dict)
    told: set[str] = field(default_factory=set)

    @property
    def amount(self) -> int:
        return self.call.amount

    @property
    def captured(self) -> int:
        return sum(part.amount for part in self.captures.values())

    @property
    def refunded(self) -> int:
        return sum(part.amount for part in self.refunds.values() if part.state != "failed")

    @property
    def disputed(self) -> int:
        return sum(part.amount for part in self.disputes.values() if part.state != "won")

    @property
    def refundable(self) -> int:
        return self.captured - self.refunded - self.disputed

    @property
    def names(self) -> dict[str, str]:
        """By what its facts call it."""
        call = self.call
        assert call.payment_id is not None
        ids = {"merchant_id": call.merchant_id, "payment_id": call.payment_id}
        return {"psp_payment_id": self.id, "currency": call.currency, **ids}


@dataclass
class Payout:
    """`state`: pending, paid, failed or returned."""

    id: str
    call: PspCall
    state: str = "pending"
