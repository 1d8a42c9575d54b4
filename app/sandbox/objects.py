"""What the sandbox PSP knows: sessions, charges, captures, refunds, disputes, payouts, batches.

Its own notions, not the program's. Amounts are minor units (ISO 4217) of `currency`. Objects are values: a
change is a new version, written by an `Entry`, the line of the journal that the books are the sum of.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec

Metadata = dict[str, str]
ChargeStatus = Literal["created", "requires_action", "authorized", "captured", "voided", "failed", "expired"]
PayoutStatus = Literal["pending", "paid", "failed", "returned"]
MovementKind = Literal["capture", "refund", "refund_failed", "chargeback", "chargeback_reversal"]


class Thing(msgspec.Struct, frozen=True, kw_only=True, tag_field="object", omit_defaults=True):
    """`due_at`: when the PSP looks at it again by itself (expiry, a payout's bank); None: never."""

    id: str
    created_at: datetime
    amount: int
    currency: str
    metadata: Metadata = {}
    due_at: datetime | None = None


class Session(Thing, frozen=True, kw_only=True, tag="session"):
    """A hosted page; its charge has an id from the beginning, and at most one attempt succeeds."""

    charge: str
    status: Literal["open", "complete", "expired"] = "open"
    return_url: str | None = None
    description: str | None = None


class Charge(Thing, frozen=True, kw_only=True, tag="charge"):
    status: ChargeStatus = "created"
    capture: bool = True
    """Whether the money is taken as soon as it is authorised."""
    token: str | None = None
    session: str | None = None
    return_url: str | None = None
    """Of a charge with a 3-D Secure step but without a session."""
    reason: str | None = None
    settled_at: datetime | None = None
    """When the status became what it is."""
    authorized_at: datetime | None = None
    amount_captured: int = 0
    amount_refunded: int = 0
    amount_disputed: int = 0
    """Open and lost disputes."""
    released: bool = False
    """What is left of the authorisation was given up: nothing more can be captured."""


class Capture(Thing, frozen=True, kw_only=True, tag="capture"):
    """`id` is the charge's own where it captured by itself. Parts of a charge have its metadata in theirs."""

    charge: str


class Refund(Thing, frozen=True, kw_only=True, tag="refund"):
    charge: str
    status: Literal["succeeded", "failed"] = "succeeded"
    reason: str | None = None
    failed_at: datetime | None = None


class Dispute(Thing, frozen=True, kw_only=True, tag="dispute"):
    charge: str
    fee: int = 0
    fee_returned: int = 0
    status: Literal["open", "won", "lost"] = "open"
    reason: str | None = None
    closed_at: datetime | None = None


class Payout(Thing, frozen=True, kw_only=True, tag="payout"):
    status: PayoutStatus = "pending"
    destination: str | None = None
    fee: int = 0
    reason: str | None = None
    paid_at: datetime | None = None
    closed_at: datetime | None = None
    """When it failed or came back."""


class Batch(Thing, frozen=True, kw_only=True, tag="batch"):
    """What one cut-off settles in one currency. `amount`: the true net; `paid`: what the bank line says."""

    count: int
    gross: int
    fee: int
    paid: int


Object = Session | Charge | Capture | Refund | Dispute | Payout | Batch


class Movement(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One change of what the PSP owes us, signed: gross - fee. `source`: the object it is about."""

    id: str
    at: datetime
    kind: MovementKind
    source: str
    charge: str | None = None
    gross: int
    fee: int = 0
    currency: str
    batch: str | None = None
    """The batch that settled it."""

    @property
    def net(self) -> int:
        return self.gross - self.fee


class BankMove(msgspec.Struct, frozen=True, kw_only=True):
    """One change of the bank account that batches go to and payouts come from, signed."""

    id: str
    at: datetime
    source: str
    amount: int
    currency: str
    text: str


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """One webhook: `id` stays the same for every attempt."""

    id: str
    type: str
    timestamp: datetime
    data: dict[str, Any]


class Kept(msgspec.Struct, frozen=True):
    """The answer that belongs to an idempotency key, and a digest of what was asked."""

    digest: str
    status: int
    answer: msgspec.Raw


class Entry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of the journal: everything one operation changed, at once."""

    seq: int
    at: datetime
    key: str | None = None
    kept: Kept | None = None
    objects: tuple[Object, ...] = ()
    movements: tuple[Movement, ...] = ()
    bank: tuple[BankMove, ...] = ()
    settled: dict[str, str] = {}
    """Movement -> the batch it went into."""
    statement: int = 0
    """The number of the bank statement that this entry printed."""
    notices: tuple[Notice, ...] = ()
    delivered: tuple[str, ...] = ()
