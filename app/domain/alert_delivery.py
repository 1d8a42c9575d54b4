"""What is sent of an alert, and the works that send it: one kind of effect per sort of channel."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from app.domain.fields import Id, LongId, Moment, NonNegative
from app.domain.mismatch import Severity

What = Literal["opened", "grown", "reminder", "closed", "digest", "test"]
AlertKind = Literal["mismatches", "group", "condition", "digest", "test"]
MOST_TEXT: int = 8_000


class AlertMessage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One message about one alert, written once: every channel and every repeat says the same.

    `alert_id` and `number` make its Message-ID. `title` is one line, `text` a few.
    """

    alert_id: Id
    number: NonNegative
    what: What
    kind: AlertKind = "mismatches"
    severity: Severity
    lane: LongId
    """Key of the alerts lane: the PSP, or `platform`."""
    title: Annotated[str, Meta(max_length=300)]
    text: Annotated[str, Meta(max_length=MOST_TEXT)] = ""
    category: str | None = None
    merchant_id: str | None = None
    psp: str | None = None
    scope: str | None = None
    """The batch or the day; of a condition what it is about."""
    opened: NonNegative = 0
    """So many in all, since people were first told."""
    open: NonNegative = 0
    mismatch_ids: tuple[str, ...] = ()
    """The first few."""
    at: Moment

    @property
    def message_id(self) -> str:
        return f"{self.alert_id}.{self.number}"


class AlertDelivery(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", omit_defaults=True):
    """`tried`: channels that did not take it before this one did not."""

    channel: Id
    message: AlertMessage
    tried: tuple[Id, ...] = ()
    because: str | None = None
    """Why the channel before did not take it."""


class SlackAlert(AlertDelivery, frozen=True, kw_only=True, tag="alert.slack"):
    """To a Slack incoming webhook."""


class EmailAlert(AlertDelivery, frozen=True, kw_only=True, tag="alert.email"):
    """By mail. Personal data."""

    to: tuple[str, ...]


class WebhookAlert(AlertDelivery, frozen=True, kw_only=True, tag="alert.webhook"):
    """To any HTTP server, signed (Standard Webhooks 1.0.0)."""


class CountDigest(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="alert.digest"):
    """Count what a digest says, from the database; the answer goes to the alerts lane."""

    digest: Id
    day: str
    """Local date of the digest; makes its alert id."""
    since: Moment
    until: Moment


AnyAlert = SlackAlert | EmailAlert | WebhookAlert


def alert_target(channel: str) -> str:
    """Target of a channel's deliveries among the effects."""
    return f"alert:{channel}"


def delivery_id(message: AlertMessage, channel: str) -> str:
    """The effect's id: one per message and channel."""
    return f"{message.message_id}/{channel}"
