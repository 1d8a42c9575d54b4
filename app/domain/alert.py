"""An alert as its lane keeps it: what people were told of one key, and what is still open of it."""

from hashlib import sha256

import msgspec

from app.domain.alert_delivery import AlertKind, What
from app.domain.fields import Moment
from app.domain.mismatch import Severity
from app.domain.state import Ref

ALERTS = "alert"
WINDOWS = "alert_window"
MEMBERS = "alert_member"
PLATFORM_LANE = "platform"
"""Key of what has no PSP, and of operators' alerts."""
MOST_TOLD = 20
MOST_SAMPLES = 5


class AlertKey(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What makes alerts one: (merchant, psp, category, severity, batch or day).

    A group has neither merchant nor scope. Of a condition `category` is its name, `scope` what it is about.
    """

    kind: AlertKind
    severity: Severity
    category: str
    psp: str | None = None
    merchant_id: str | None = None
    scope: str | None = None

    def alert_id(self) -> str:
        """Without a condition's severity, which may change while it lasts."""
        severity = "" if self.kind == "condition" else self.severity
        parts = (self.kind, severity, self.category, self.psp, self.merchant_id, self.scope)
        return "al_" + sha256("\x1f".join(part or "" for part in parts).encode()).hexdigest()[:24]


class Told(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One message: to whom, and the figures at that time."""

    number: int
    what: What
    at: Moment
    opened: int = 0
    open: int = 0
    channels: tuple[str, ...] = ()


class Alert(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`opened` counts since people were first told of this round, `open` what is not resolved.

    `closed`: people were told that nothing is open; the next opening begins a new round.
    """

    id: str
    key: AlertKey
    opened: int = 0
    open: int = 0
    told: int = 0
    """`opened` when people were told last; 0: not yet in this round."""
    number: int = 0
    """Of the last message, over all rounds."""
    closed: bool = False
    detail: str | None = None
    samples: tuple[str, ...] = ()
    """Ids of the first mismatches of this round."""
    began_at: Moment
    messages: tuple[Told, ...] = ()
    """The latest."""
    told_at: Moment | None = None
    """When the last one was asked for; lists go by it."""


class AlertWindow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The latest openings of one (psp, category): (epoch ms, mismatch id; empty once it is resolved)."""

    openings: tuple[tuple[int, str], ...] = ()


class AlertMember(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An open mismatch: ids of the alerts that count it. Gone when it is resolved."""

    alerts: tuple[str, ...]


def alert_ref(lane: str, alert_id: str) -> Ref:
    return Ref("document", (ALERTS, lane, alert_id))


def window_ref(lane: str, category: str) -> Ref:
    return Ref("document", (WINDOWS, lane, category))


def member_ref(lane: str, mismatch_id: str) -> Ref:
    return Ref("document", (MEMBERS, lane, mismatch_id))
