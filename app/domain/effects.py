"""Records of `effects.requests`, keyed by target: everything that leaves the program goes through here.

A lane asks (`effect.requested`); the effects lane keeps the effect; the executor performs it and reports each
attempt (`effect.attempted`); the lane decides what follows: done, another attempt by a timer (`effect.due`),
or given up, which is a dead letter that can be redriven (`effect.redrive`). What the asker has to know goes
back to it as a record.
"""

from __future__ import annotations

from datetime import date
from typing import ClassVar, Literal
from zlib import crc32

import msgspec

from app.domain.alert_delivery import CountDigest, EmailAlert, SlackAlert, WebhookAlert
from app.domain.command_base import Command
from app.domain.commands import PlatformConfigure
from app.domain.fields import Id, LongId, Moment, NonNegative
from app.domain.psp_calls import PspCall
from app.domain.run_scope import RunId, RunScope

EffectStatus = Literal["ready", "waiting", "done", "dead"]
AttemptOutcome = Literal["done", "retry", "failed"]


class WebhookDelivery(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="webhook.delivery", omit_defaults=True
):
    """One event for one merchant's endpoint, signed when it is sent (Standard Webhooks 1.0.0)."""

    merchant_id: Id
    endpoint_id: Id
    url: str
    event_id: LongId
    """Becomes `webhook-id`: the same for every attempt and replay."""
    event_type: str
    body: str
    """JSON as it was when the event happened; never rendered anew."""
    generation: int = 1
    """Of the endpoint's secret."""
    previous_until: Moment | None = None
    """Until when the generation before it signs as well."""


class ReportRun(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    tag_field="kind",
    tag="reconciliation.report",
    omit_defaults=True,
):
    """Makes the report of a run. Nothing leaves the program; retries and leases are the same."""

    run_id: RunId
    scope: RunScope = RunScope()
    as_of: date
    known_at: Moment | None = None


Work = PspCall | SlackAlert | EmailAlert | WebhookAlert | CountDigest | WebhookDelivery | ReportRun


class EffectCommand(Command, frozen=True, kw_only=True):
    target: LongId
    """The record's Kafka key: `psp:{name}/{shard}`, `webhook:{merchant_id}/{endpoint_id}`, `alert:{channel}`.
    Effects of one target share its limits and its circuit breaker."""


class EffectRequested(EffectCommand, frozen=True, kw_only=True, tag="effect.requested"):
    """Do this, at least once. `id` is the effect's id; the asking lane made it."""

    work: Work
    object: str = ""
    """Effects of one target and object are done one after the other, in the order of their requests."""
    seq: NonNegative = 0
    """Number of the event about the object, where there is one."""
    deadline_at: Moment | None = None
    """No attempt begins later; None: the kind's own limit."""


class EffectAttempted(EffectCommand, frozen=True, kw_only=True, tag="effect.attempted"):
    """The executor's report of one attempt."""

    effect_id: LongId
    attempt: NonNegative
    """From 1 on; of an attempt that was reported before it counts only where it is `done`."""
    outcome: AttemptOutcome
    retry_after_seconds: float | None = None
    status_code: int | None = None
    reason: str | None = None
    took_ms: NonNegative = 0
    at: Moment


class EffectDue(EffectCommand, frozen=True, kw_only=True, tag="effect.due"):
    """Timer: the next attempt of an effect may begin."""

    is_timer: ClassVar[bool] = True

    effect_id: LongId


class EffectRedrive(EffectCommand, frozen=True, kw_only=True, tag="effect.redrive"):
    """A person asks for another round of attempts of an effect that was given up, or done (a replay)."""

    effect_id: LongId
    by: Id


EffectsLaneRecord = PlatformConfigure | EffectRequested | EffectAttempted | EffectDue | EffectRedrive


def psp_target(psp: str, object_key: str, shards: int = 4) -> str:
    """Calls of one payment share a target; a PSP's calls are spread over a few, so that they scale."""
    return f"psp:{psp}/{crc32(object_key.encode()) % shards}"


def webhook_target(merchant_id: str, endpoint_id: str) -> str:
    return f"webhook:{merchant_id}/{endpoint_id}"
