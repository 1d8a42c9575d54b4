"""A payment as the set of its facts: status and amounts are computed from them, never from their order."""

from datetime import datetime
from typing import Final, Literal, NamedTuple

import msgspec

from app.domain.asked import Asked
from app.domain.batch_records import BankEvidence
from app.domain.dispute import Dispute, DisputeStage, Report
from app.domain.payment_requests import CaptureMethod
from app.domain.split import Parent, Part
from app.domain.state import Ref

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
DisputeStatus = Literal["none", "open", "won", "lost"]
SettlementStatus = Literal["none", "matched", "settled"]
_STAGES: Final[tuple[DisputeStage, ...]] = ("open", "lost", "won")
UNKNOWN_MERCHANT: Final = "unknown_merchant"
DUPLICATE_PAYMENT: Final = "duplicate_payment"
REFUND_EXCEEDS_CAPTURE: Final = "refund_exceeds_capture"
CURRENCY_MISMATCH: Final = "currency_mismatch"
FIGURES_DIFFER: Final = "figures_differ"
AUTHORIZATION_DIFFERS: Final = "authorization_differs"
STATUS_MISMATCH: Final = "status_mismatch"
SPLIT_MISMATCH: Final = "split_mismatch"
BEFORE_CAPTURE: Final[tuple[Status, ...]] = ("voided", "expired", "authorized", "requires_action", "failed")
"""What may be known of a payment short of a capture, strongest first."""
OURS: Final = "/ours"
"""Ends the key of a fact that names no id of the PSP's: its figure yields to the PSP's."""


class Capture(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Money a PSP took, minor units of `currency`."""

    amount: int
    currency: str
    psp: str
    platform_fee: int
    psp_fee: int | None = None
    """Accrued PSP fee; None where the PSP has no fee plan."""
    merchant_psp_fee: int = 0
    """The part of the PSP fee that the merchant bears."""
    pending: int
    """What is neither released nor refunded yet."""
    released: bool = False
    psp_capture_id: str | None = None
    """None: only a record of ours reported it so far; its figure yields to the PSP's."""
    transaction_id: str
    occurred_at: datetime
    platform_version: int
    merchant_version: int

    @property
    def net(self) -> int:
        """What the merchant got of it."""
        return self.amount - self.platform_fee - self.merchant_psp_fee


class Refund(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Money given back, minor units of `currency`; not `confirmed` while only requested."""

    amount: int
    currency: str
    psp: str
    taken: tuple[tuple[str, int], ...] = ()
    """(capture, amount) that came out of captures' pending money; the rest came out of the available."""
    psp_refund_id: str | None = None
    transaction_id: str
    occurred_at: datetime
    confirmed: bool = True
    failed: bool = False
    """It did not come through: what it posted is reversed, and it no longer counts."""
    ours: bool = False
    """The PSP's id is known by its failure alone; the figure is still ours and yields to the PSP's."""
    shares: tuple[tuple[str, int], ...] = ()
    """Of a split payment: (seller's order, amount)."""
    part_refund_id: str | None = None
    """The seller's id of it, where a seller asked."""
    declined: bool = False
    """It failed because the PSP would not make it: should the PSP say that it did, that is what counts."""

    @property
    def is_psps(self) -> bool:
        """Whether the PSP has stated the figure."""
        return self.psp_refund_id is not None and not self.ours

    @property
    def from_pending(self) -> int:
        return sum(amount for _, amount in self.taken)


class StatusFact(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """An authorisation, failure or end of one: the latest word of its kind, minor units of `currency`."""

    amount: int
    currency: str
    psp: str
    occurred_at: datetime


class Requested(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What `payment.create` asked for, minor units of `currency`. None of it is a fact about money."""

    amount: int
    currency: str
    capture_method: CaptureMethod = "automatic"
    requested_at: datetime
    description: str | None = None
    return_url: str | None = None


class Reference(NamedTuple):
    """By which names one record knew the payment, and how much its word weighs: the smallest rank counts."""

    strength: int
    occurred_at: datetime
    object_id: str
    psp_payment_id: str | None
    order_ref: str | None
    invoice_id: str | None

    @property
    def names(self) -> tuple[str | None, str | None, str | None]:
        return self[3:]


class Banked(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A settlement line of one object, and the bank lines that paid its batch. Amounts in minor units."""

    object: str
    """`{kind}/{object id}`."""
    source: str
    batch_id: str
    line: str
    gross: int
    currency: str
    net: int
    settle_currency: str
    bank: tuple[BankEvidence, ...] = ()
    since: datetime


class Payment(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One payment order. The header (currency, psp, references) is computed in `payment_header.py`.

    Amounts are minor units of `currency`; captures and refunds of another currency are kept and posted in
    theirs, flagged, and left out of the sums.
    """

    merchant_id: str
    id: str
    currency: str
    psp: str
    principal: str
    """The capture that the header is taken from, smallest by `payment_header.rank_of`; empty: none yet."""
    psp_payment_id: str | None = None
    order_ref: str | None = None
    invoice_id: str | None = None
    captures: dict[str, Capture] = {}
    refunds: dict[str, Refund] = {}
    facts: dict[str, StatusFact] = {}
    """Status, with `OURS` behind it where the PSP's id was not named -> the latest fact of that kind."""
    references: tuple[Reference, ...] = ()
    """What records called it, strongest first; empty while they are those of the principal capture alone."""
    aliases: tuple[str, ...] = ()
    """Other payment ids under which it was reported; a sorted set."""
    disputes: dict[str, Dispute] = {}
    """By the PSP's id of each, else our own."""
    settled: tuple[str, ...] = ()
    """Objects whose gross is settled, as `{kind}/{object id}`; a sorted set."""
    banked: dict[str, Banked] = {}
    """Settlement lines whose batch the bank has paid, by `{kind}/{object id}/{source}/{batch}/{line}`."""
    paid_out: tuple[str, ...] = ()
    """Objects whose gross the bank has paid, as `{kind}/{object id}`; a sorted set."""
    flags: tuple[str, ...] = ()
    looks: tuple[str, ...] = ()
    """Claims of what its records look like to a person (`dedup.semantic_claim`); a sorted set."""
    seq: int = 0
    """Number of the last event about this payment; consumers drop what they have seen."""
    requested: Requested | None = None
    """None for a payment that was only told of."""
    asked: dict[str, Asked] = {}
    """Operations asked of the PSP, by `{operation}/{object id}`."""
    lapsed: bool = False
    """The rest of its authorisation has expired, after a part was captured."""
    parts: tuple[Part, ...] = ()
    """Sellers' parts of a split payment; empty: it is its merchant's own."""
    parent: Parent | None = None
    """Of a seller's order: the split payment."""

    @property
    def amount(self) -> int:
        """What was captured; before that what was authorised, or at least spoken of."""
        if self.captures:
            return self.captured_amount
        fact = self.authorized or self.strongest or self.requested
        return 0 if fact is None else fact.amount

    @property
    def authorized(self) -> StatusFact | None:
        """The authorisation as the PSP states it, else as we do."""
        return self.facts.get("authorized") or self.facts.get(f"authorized{OURS}")

    @property
    def strongest(self) -> StatusFact | None:
        """The fact that says most, a PSP's before ours; None where nothing but captures is known."""
        facts = self.facts
        keys = (key for status in BEFORE_CAPTURE for key in (status, status + OURS) if key in facts)
        return next((facts[key] for key in keys), None)

    def has(self, status: Status) -> bool:
        return status in self.facts or status + OURS in self.facts

    @property
    def captured_amount(self) -> int:
        currency = self.currency
        return sum([c.amount for c in self.captures.values() if c.currency == currency])

    @property
    def refunded_amount(self) -> int:
        currency = self.currency
        return sum([r.amount for r in self.refunds.values() if r.currency == currency and not r.failed])

    @property
    def disputed_amount(self) -> int:
        """What is disputed or was lost."""
        if not self.disputes:
            return 0
        counting = [d for d in self.disputes.values() if d.currency == self.currency and d.stage != "won"]
        return sum(dispute.amount for dispute in counting)

    @property
    def dispute_status(self) -> DisputeStatus:
        """Of several disputes the one that is open, else one that was lost."""
        stages = {dispute.stage for dispute in self.disputes.values()}
        return next((stage for stage in _STAGES if stage in stages), "none")

    @property
    def dispute_reports(self) -> tuple[Report, ...]:
        return tuple([one for dispute in self.disputes.values() for one in dispute.reports])

    @property
    def settlement_status(self) -> SettlementStatus:
        """Matched when all of its captures are; settled when the bank has paid the batches of all, too."""
        captures = [f"capture/{key}" for key in self.captures]
        if not self.settled or not captures or any(name not in self.settled for name in captures):
            return "none"
        return "settled" if all(name in self.paid_out for name in captures) else "matched"

    @property
    def status(self) -> Status:
        """The strongest of what its facts support; a capture is the strongest there is, so none lowers it."""
        if self.captures:
            return "captured"
        facts = next((status for status in BEFORE_CAPTURE if self.has(status)), None)
        return facts or self._asked_status

    @property
    def _asked_status(self) -> Status:
        """What the operations that begin a payment let us say, as long as no fact does."""
        begun = {one.state for one in self.asked.values() if one.operation in ("session", "authorize")}
        if "declined" in begun:
            return "failed"
        if begun & {"unknown", "gave_up", "misconfigured"}:  # a redrive may make it happen yet
            return "unknown"
        return "executing" if "executing" in begun else "created"

    @property
    def is_mixed(self) -> bool:
        """Whether its facts are in more than one currency."""
        currencies = {capture.currency for capture in self.captures.values()}
        currencies.update(refund.currency for refund in self.refunds.values() if not refund.failed)
        currencies.update(dispute.currency for dispute in self.disputes.values())
        return bool(currencies - {self.currency})


def payment_ref(merchant_id: str, payment_id: str) -> Ref:
    return Ref("payment", (merchant_id, payment_id))


def with_alias(payment: Payment, alias: str | None) -> Payment:
    """The payment with one more name; the same object where there is none."""
    if alias is None or alias in payment.aliases:
        return payment
    return msgspec.structs.replace(payment, aliases=tuple(sorted({*payment.aliases, alias})))


def with_flag(flags: tuple[str, ...], flag: str, present: bool) -> tuple[str, ...]:
    """Flags are a sorted set, so that their order tells nothing about the order of the facts."""
    if (flag in flags) == present:
        return flags
    return tuple(sorted({*flags, flag} if present else set(flags) - {flag}))
