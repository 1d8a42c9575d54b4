"""Who is told of what: channels, rules and thresholds, as data of `platform.configure` (`alerts`).

No secret stands here: a Slack or webhook URL, its signing secret and the mail server come from the
environment, by the channel's name (docs/alerts.md).
"""

from collections.abc import Mapping
from datetime import time
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from app.domain.calendar import check_time_zone
from app.domain.fields import Id
from app.domain.mismatch import Category, Severity

ChannelName = Annotated[str, Meta(min_length=1, max_length=40, pattern="^[a-z0-9]+(-[a-z0-9]+)*(?![\\s\\S])")]
Mailbox = Annotated[str, Meta(min_length=3, max_length=254, pattern="^[^@\\s<>,;]+@[^@\\s<>,;]+(?![\\s\\S])")]
Seconds = Annotated[int, Meta(ge=1, le=31_536_000)]
Count = Annotated[int, Meta(ge=0, le=1_000_000_000)]
DEFAULT_SEVERITIES: tuple[Severity, ...] = ("CRITICAL", "HIGH")


class AlertChannel(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One place where people read."""

    kind: Literal["slack", "email", "webhook"]
    to: Annotated[tuple[Mailbox, ...], Meta(max_length=50)] = ()
    """`email`: who gets it."""
    fallback: ChannelName | None = None
    """Which other channel is tried first where this one does not take an alert; None: by name."""

    def __post_init__(self) -> None:
        if (self.kind == "email") != bool(self.to):
            raise ValueError("a channel of kind email, and no other, has `to`")


class AlertRule(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Alerts that match go to these channels at once. Nothing named: any. Several rules add up."""

    channels: Annotated[tuple[ChannelName, ...], Meta(min_length=1)]
    severities: tuple[Severity, ...] = DEFAULT_SEVERITIES
    categories: tuple[Category, ...] = ()
    merchants: tuple[Id, ...] = ()
    psps: tuple[Id, ...] = ()

    def matches(self, severity: str, category: str, merchant_id: str | None, psp: str | None) -> bool:
        wanted = (
            (self.severities, severity),
            (self.categories, category),
            (self.merchants, merchant_id),
            (self.psps, psp),
        )
        return all(not named or found in named for named, found in wanted)

    def may_match(self, severities: tuple[str, ...], category: str, psp: str | None) -> bool:
        """Whether one of these severities could match, whoever the merchant is."""
        return (
            any(not self.severities or one in self.severities for one in severities)
            and (not self.categories or category in self.categories)
            and (not self.psps or psp in self.psps)
        )


class AlertDigest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was opened and resolved since the last one, and what is open, once a day."""

    channels: Annotated[tuple[ChannelName, ...], Meta(min_length=1)]
    at: time = time(7)
    """Local time of day."""
    time_zone: str = "UTC"
    """An IANA name."""

    def __post_init__(self) -> None:
        check_time_zone(self.time_zone)
        if self.at.tzinfo is not None:
            raise ValueError("`at` is a local time: it has no offset")


class OperatorThresholds(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Operators are told of a figure above these."""

    dead_letters: Count = 0
    """That nobody has dealt with."""
    validation_errors: Count = 20
    """Records that could not be read, within fifteen minutes."""
    attempts_exhausted: Count = 0
    """Effects of one kind of target that were given up and are still dead."""
    lag_seconds: Seconds = 60
    """Age of the oldest output that waits to be published, or timer that is due and was not taken."""
    silent_seconds: Seconds = 120
    """Since a worker's last sign of life, while partitions are its."""
    outage_seconds: Seconds = 30
    """How long the database may be away before the workers say so by themselves."""


class AlertConfiguration(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Without rules, CRITICAL and HIGH go to every channel; without `operators`, theirs do."""

    channels: dict[ChannelName, AlertChannel] = {}
    rules: tuple[AlertRule, ...] = ()
    operators: tuple[ChannelName, ...] = ()
    """Channels of operators' alerts."""
    digests: dict[ChannelName, AlertDigest] = {}
    thresholds: OperatorThresholds = OperatorThresholds()
    group_above: Annotated[int, Meta(ge=1, le=1_000)] | None = 50
    """More new ones than this of one (psp, category) within `group_seconds` become one CRITICAL alert. None:
    never."""
    group_seconds: Seconds = 15 * 60
    repeat_seconds: Seconds = 24 * 60 * 60
    """After so long people are told again of what is still open."""
    growth: Annotated[int, Meta(ge=2, le=1_000)] = 10
    """They are told again when the count is so many times what they were told."""
    close_after_seconds: Seconds = 60
    """Nothing may come back for so long before people are told that all is resolved."""

    def __post_init__(self) -> None:
        for place, names in _named(self):
            for name in names:
                if name not in self.channels:
                    raise ValueError(f"{place}: {name!r} is not one of channels")

    def channels_for(
        self, severity: str, category: str, merchant_id: str | None, psp: str | None
    ) -> tuple[str, ...]:
        """Who is told at once, each channel once, in the order of names."""
        rules = [rule for rule in self._rules() if rule.matches(severity, category, merchant_id, psp)]
        return tuple(sorted({name for rule in rules for name in rule.channels}))

    def may_want(self, severity: str, category: str, psp: str | None) -> bool:
        """Whether an opening may lead to an alert, alone or within a group."""
        severities = (severity,) if self.group_above is None else (severity, "CRITICAL")
        return any(rule.may_match(severities, category, psp) for rule in self._rules())

    def for_operators(self) -> tuple[str, ...]:
        return tuple(sorted(set(self.operators or self.channels)))

    def instead_of(self, channel: str, tried: tuple[str, ...]) -> str | None:
        """The next channel to try where `channel` did not take an alert; None: there is none left."""
        first = self.channels[channel].fallback if channel in self.channels else None
        names = [first, *sorted(self.channels)] if first else sorted(self.channels)
        return next((name for name in names if name != channel and name not in tried), None)

    def _rules(self) -> tuple[AlertRule, ...]:
        if self.rules or not self.channels:
            return self.rules
        return (AlertRule(channels=tuple(sorted(self.channels))),)


def _named(configured: AlertConfiguration) -> list[tuple[str, tuple[str, ...]]]:
    """Every place that names channels."""
    channels: Mapping[str, AlertChannel] = configured.channels
    return [
        *((f"rules[{place}].channels", rule.channels) for place, rule in enumerate(configured.rules)),
        *((f"digests.{name}.channels", digest.channels) for name, digest in configured.digests.items()),
        *((f"channels.{name}.fallback", (one.fallback,)) for name, one in channels.items() if one.fallback),
        ("operators", configured.operators),
    ]
