"""Records of `alerts.commands`, keyed by PSP (`platform` where there is none): what people may want to hear.

Lanes that own mismatches say what opens and resolves; a worker says how the program itself does; the effects
lane says what could not be delivered. Who is told what, and how often, is decided by the alerts lane alone.
"""

from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import Meta

from app.domain.alert_delivery import AlertMessage
from app.domain.command_base import Command
from app.domain.commands import PlatformConfigure
from app.domain.fields import Id, LongId, Moment, NonNegative, SignedAmount
from app.domain.mismatch import Category, Severity

ConditionName = Literal[
    "dead_letters",
    "validation_errors",
    "halted_partition",
    "attempts_exhausted",
    "verify_failed",
    "lag",
    "silent_worker",
    "database_outage",
]


class AlertsCommand(Command, frozen=True, kw_only=True, gc=False):
    lane: LongId
    """The record's Kafka key."""


class MismatchNoticed(AlertsCommand, frozen=True, kw_only=True, tag="mismatch.noticed", gc=False):
    """A mismatch is open, or no longer. States the whole: a later one replaces it."""

    mismatch_id: Id
    is_open: bool
    is_new: bool = False
    """Whether it opens with this, or was open before and is another's now (severity, merchant, batch)."""
    category: Category
    severity: Severity
    psp: str | None = None
    merchant_id: str | None = None
    batch_id: str | None = None
    payment_id: str | None = None
    currency: str | None = None
    expected_amount: SignedAmount | None = None
    actual_amount: SignedAmount | None = None
    detected_at: Moment


class ConditionNoticed(AlertsCommand, frozen=True, kw_only=True, tag="condition.noticed"):
    """A figure of the program itself has passed its threshold (`failing`), has grown, or is well again."""

    name: ConditionName
    subject: Annotated[str, Meta(max_length=200)] = ""
    failing: bool
    value: NonNegative = 0
    detail: Annotated[str, Meta(max_length=1000)] = ""
    at: Moment


class AlertUndelivered(AlertsCommand, frozen=True, kw_only=True, tag="alert.undelivered"):
    """A channel did not take a message, after all attempts; the effect is a dead letter."""

    channel: Id
    message: AlertMessage
    tried: tuple[Id, ...] = ()
    reason: str = ""


class AlertDue(AlertsCommand, frozen=True, kw_only=True, tag="alert.due"):
    """Timer: time to tell again, or to tell that all is resolved."""

    is_timer: ClassVar[bool] = True

    alert_id: Id


class DigestPlanned(AlertsCommand, frozen=True, kw_only=True, tag="digest.planned"):
    """The configuration has changed: the digests' timers are set anew."""


class DigestDue(AlertsCommand, frozen=True, kw_only=True, tag="digest.due"):
    """Timer: time for a digest."""

    is_timer: ClassVar[bool] = True

    digest: Id
    since: Moment
    until: Moment


class DigestLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    severity: Severity
    category: str
    opened: NonNegative = 0
    resolved: NonNegative = 0
    open: NonNegative = 0


class DigestCounted(AlertsCommand, frozen=True, kw_only=True, tag="digest.counted"):
    """What a digest has to say. The first count of a day is sent, whatever a repeat finds."""

    digest: Id
    day: str
    since: Moment
    until: Moment
    lines: tuple[DigestLine, ...] = ()


class AlertTest(AlertsCommand, frozen=True, kw_only=True, tag="alert.test"):
    """An operator tries a channel."""

    channel: Id
    by: Id


AlertsLaneRecord = (
    PlatformConfigure
    | MismatchNoticed
    | ConditionNoticed
    | AlertUndelivered
    | AlertDue
    | DigestPlanned
    | DigestDue
    | DigestCounted
    | AlertTest
)
