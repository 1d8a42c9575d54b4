"""Configuration that decides money: versioned data that arrives as records, never as settings files."""

from datetime import date, time
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from app.domain.alert_rules import AlertConfiguration
from app.domain.calendar import check_time_zone
from app.domain.effect_policy import EffectLimits
from app.domain.fields import MAX_AMOUNT, Amount, BasisPoints, Currency, Id, NonNegative
from app.domain.money import check_currency
from app.domain.source_files import SourceFile

ApproverRole = Literal["approver", "lead", "admin"]
"""Who may approve what others have proposed."""


class FeePlan(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A proportional part in basis points plus a fixed part per currency, in minor units."""

    bps: BasisPoints = 0
    fixed: dict[str, NonNegative] = {}


class PayoutSchedule(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """When a merchant is paid out by itself, at 00:00 UTC. Amounts are minor units of each currency."""

    interval: Literal["manual", "daily", "weekly", "monthly"] = "manual"
    weekday: Annotated[int, Meta(ge=0, le=6)] = 0
    """`weekly`: Monday is 0."""
    day: Annotated[int, Meta(ge=1, le=28)] = 1
    """`monthly`: of the month."""
    minimum: NonNegative = 0
    """Less is left for the next period."""
    reserve: NonNegative = 0
    """Stays available."""
    every_seconds: Annotated[int, Meta(ge=1, le=MAX_AMOUNT)] | None = None
    """Periods of seconds instead of `interval`, to see them pass."""


class SettlementCalendar(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """When a PSP's money is due: T + `settlement_days` business days, one more of grace before it is missing.

    T is the business date of the capture in `time_zone`; what is captured at or after `cut_off` counts for
    the next day. Card networks settle T+2, wallets T+1, bank debits T+5.
    """

    time_zone: str = "UTC"
    """An IANA name."""
    cut_off: time | None = None
    settlement_days: Annotated[int, Meta(ge=0, le=30)] = 2
    grace_days: Annotated[int, Meta(ge=0, le=10)] = 1
    holidays: tuple[date, ...] = ()
    """Days that are no business days, besides Saturday and Sunday."""

    def __post_init__(self) -> None:
        check_time_zone(self.time_zone)


class PspConfiguration(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a PSP charges and how long it may take to settle. Without `fee_plan` no fee is compared."""

    fee_plan: FeePlan | None = None
    fee_payer: str = "platform"
    """Who bears the PSP fee: `platform` or `merchant`."""
    settlement_window_seconds: NonNegative | None = None
    """From capture to MISSING_SETTLEMENT; None: the calendar default (T+2 and one day of grace)."""
    fee_tolerance: NonNegative | None = None
    """Minor units; None: max(1, 0.5 % of the expected fee)."""
    gross_tolerance: NonNegative = 0
    dispute_loss_bearer: str = "merchant"
    """Who bears a dispute that was lost: `merchant` or `platform`."""
    dispute_fee_passed_on: bool = False
    """Whether the merchant pays what the PSP keeps of a dispute fee."""
    calendar: SettlementCalendar = SettlementCalendar()
    """Where a source does not have its own."""
    references: bool = True
    """Whether its lines may name our references (order, payment, invoice) instead of the PSP's own id. False
    saves one record per reference."""
    match_by_amount: bool = True
    """Whether what shares no identity is compared by amount and date (rules A2 and A3)."""
    api: bool = False
    """Whether we ask it for money, and to capture, void and refund; False: upstream does that by itself."""
    live: bool = True
    """Whether it moves real money: only for merchants that are no test merchants."""
    authorization_seconds: NonNegative = 7 * 24 * 60 * 60
    """How long an authorisation is good for; then what is left of it is voided."""


class OtherRule(msgspec.Struct, frozen=True, kw_only=True):
    """Bank lines that nothing is due for: bank fees, salaries."""

    pattern: Annotated[str, Meta(min_length=1, max_length=200)]
    """Of the remittance text, in any case; `*` stands for any text, also before and behind it."""
    sign: Literal["credit", "debit", "any"] = "any"
    label: Annotated[str, Meta(min_length=1, max_length=100)]
    """The reason that is shown."""


class SourceConfiguration(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A settlement source (an acquirer's file or feed) and its windows."""

    psp: str = ""
    """Empty: a bank's."""
    payment_window_seconds: NonNegative | None = None
    """From a line's arrival to MISSING_PAYMENT while no expectation has come; None: one day."""
    min_wait_seconds: NonNegative = 0
    """No window closes sooner than this after a record's arrival: a backfill opens nothing early."""
    file: SourceFile | None = None
    """How its files are written, for `ingest`; no lane reads it."""
    calendar: SettlementCalendar | None = None
    """None: the PSP's."""
    fee_tolerance: NonNegative | None = None
    """Minor units; None: the PSP's."""
    gross_tolerance: NonNegative | None = None
    """Minor units; None: the PSP's."""
    settles_to: Id | None = None
    """The bank account that its batches are paid to; None: they are not compared with a bank (leg B). Of a
    bank's source: the account that `other` speaks of; None: all."""
    bank_days: Annotated[int, Meta(ge=0, le=60)] = 2
    """Business days from a batch's last booking date to its bank line; the calendar's grace comes on top."""
    bank_window_seconds: NonNegative | None = None
    """Instead of `bank_days`: from a batch's or bank line's arrival to MISSING_BANK or UNEXPECTED_BANK."""
    bank_quiet_seconds: NonNegative = 60
    """So long nothing comes of a batch, then it is taken to be whole, where no trailer says so before."""
    bank_tolerance: NonNegative = 0
    """Minor units between a batch's net and its bank line."""
    other: tuple[OtherRule, ...] = ()
    """Lines of its account that are none of ours; the first that fits holds."""
    lines_move: bool = True
    """Whether a correction of its lines may name another object than before. False saves a record each."""
    payouts: bool = False
    """Of a bank's source: payouts that leave `settles_to` are compared with its lines (leg C)."""


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """One unit of a currency is `value` x 10^-`scale` units of the book currency, by quote `quote_id`."""

    value: Amount
    scale: Annotated[int, Meta(ge=0, le=12)]
    quote_id: str


class BookRates(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The book currency and the stored rates into it; they compare amounts, they never post."""

    currency: Currency = "EUR"
    rates: dict[str, Rate] = {}

    def __post_init__(self) -> None:
        check_currency(self.currency)
        for code in self.rates:
            check_currency(code)


class Platform(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The configuration in force in one lane partition; `version` is the offset of its record."""

    version: int
    default_plan: FeePlan
    default_release_delay_days: int
    release_delay_seconds: int | None
    psps: dict[str, PspConfiguration]
    sources: dict[str, SourceConfiguration]
    book: BookRates = BookRates()
    payout_account: str = "main"
    """The platform's bank account that payouts leave from; books as `bank:{payout_account}`."""
    parking_window_seconds: int | None = None
    """How long a fact waits for its parent before that is shown as missing; None: 72 hours."""
    effects: dict[str, EffectLimits] = {}
    default_psp: str | None = None
    payout_psp: str | None = None
    payout_approval_above: int | None = None
    alerts: AlertConfiguration | None = None
    approval_limits: dict[ApproverRole, NonNegative | None] = {}
