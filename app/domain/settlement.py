"""Records of the settlement side: what we expect a PSP to settle, and what it says it settled.

`settlements.lines` carries lines and trailers as upstream writes them; `matching.commands`, keyed
`{psp}:{identity}`, carries expectations, lines and the matching lane's own timers.
"""

from datetime import date
from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import Meta

from app.domain.command_base import Command
from app.domain.fields import Currency, Id, LongId, Moment, NonNegative, SignedAmount
from app.domain.money import check_currency
from app.domain.psp_facts import PspFact

LineKind = Literal["capture", "refund", "chargeback", "chargeback_reversal", "adjustment"]


class ExpectationAnnounced(Command, frozen=True, kw_only=True, tag="expectation.announced", gc=False):
    """The merchant lane expects `psp` to settle one object; the latest announcement of an object holds."""

    psp: Id
    kind: LineKind
    merchant_id: Id
    payment_id: Id
    object_id: Id
    identities: Annotated[tuple[Id, ...], Meta(min_length=1)]
    """In falling order of strength; the first is the object's home."""
    gross: SignedAmount
    """Signed as on a settlement line: negative for refunds and chargebacks."""
    currency: Currency
    expected_fee: SignedAmount | None = None
    """Fee accrued in the books, minor units, negative where one comes back; None: no fee plan."""
    occurred_at: Moment
    home: LongId | None = None
    """The identity that nobody else has, under which the object is kept; None: the first of `identities`."""
    has_reference: bool = False
    """An order or invoice is among `identities`: a line that names another one is not this object's."""


class ExpectationWithdrawn(Command, frozen=True, kw_only=True, tag="expectation.withdrawn", gc=False):
    """The merchant lane no longer expects an object at this home: it has learnt a stronger identity of it."""

    psp: Id
    identity: LongId
    """The home under which the expectation was announced."""
    kind: LineKind
    merchant_id: Id
    object_id: Id


class IdentityClaimed(Command, frozen=True, kw_only=True, tag="identity.claimed", gc=False):
    """The merchant lane knows whose this PSP id is before any capture is expected under it."""

    psp: Id
    identity: Id
    merchant_id: Id
    payment_id: Id


class FactUnaddressed(Command, frozen=True, kw_only=True, tag="fact.unaddressed", gc=False):
    """A PSP's word on a payment that only the PSP's id names; the directory sends it on to its merchant."""

    psp: Id
    identity: Id
    """The PSP's id of the payment."""
    fact: PspFact


class LineFields(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", omit_defaults=True, gc=False):
    is_timer: ClassVar[bool] = False

    source: Id
    psp: Id
    batch_id: Id
    line_id: Id
    kind: LineKind
    psp_payment_id: Id | None = None
    merchant_ref: Id | None = None
    currency: Currency
    gross: SignedAmount
    fee: SignedAmount = 0
    tax: SignedAmount = 0
    reserve: SignedAmount = 0
    settle_currency: Currency
    rate: str | None = None
    net: SignedAmount
    booked_on: date

    def __post_init__(self) -> None:
        check_currency(self.currency)
        check_currency(self.settle_currency, "settle_currency")
        if not (self.psp_payment_id or self.merchant_ref):
            raise ValueError("one of psp_payment_id, merchant_ref must be present")
        same = self.currency == self.settle_currency
        if same and self.net != self.gross - self.fee - self.tax - self.reserve:
            raise ValueError(f"net {self.net} is not gross - fee - tax - reserve")


class SettlementLine(LineFields, frozen=True, kw_only=True, tag="settlement.line", gc=False):
    """One line of a settlement file, as the door reads it. Amounts in minor units, refunds negative."""


class SettlementTrailer(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="settlement.trailer"
):
    """A batch's control totals in minor units of `settle_currency`."""

    source: Id
    psp: Id
    batch_id: Id
    count: NonNegative
    gross: SignedAmount
    fee: SignedAmount
    net: SignedAmount
    settle_currency: Currency


class LineRecorded(LineFields, frozen=True, kw_only=True, tag="line.recorded", gc=False):
    """A settlement line on its way to its home in the matching lane; `id` is `{source}/{line_id}`."""

    id: LongId


class SettlementDue(Command, frozen=True, kw_only=True, tag="settlement.due", gc=False):
    """Timer: an expectation's settlement window has closed."""

    is_timer: ClassVar[bool] = True

    psp: Id
    identity: LongId
    kind: LineKind


class PaymentDue(Command, frozen=True, kw_only=True, tag="payment.due", gc=False):
    """Timer: a line's window for its expectation has closed."""

    is_timer: ClassVar[bool] = True

    psp: Id
    identity: LongId
    kind: LineKind


DoorRecord = SettlementLine | SettlementTrailer
