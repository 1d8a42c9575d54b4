"""An effect as the effects lane keeps it, from its request until it is done or given up."""

from __future__ import annotations

from datetime import datetime
from hashlib import blake2b
from typing import Final

import msgspec

from app.domain.effects import AttemptOutcome, EffectStatus, Work
from app.domain.fields import Moment
from app.domain.state import Ref

RECENT: Final = 10
"""Attempts that are kept with an effect; earlier ones are only counted."""
REASON_CHARACTERS: Final = 200


class Tried(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One attempt as it was reported; `ms` is how long it took."""

    number: int
    at: Moment
    outcome: AttemptOutcome
    status_code: int | None = None
    reason: str | None = None
    ms: int = 0


class Effect(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`ready`: may be attempted now; `waiting`: until `next_at`; `dead`: given up, `reason` says why."""

    target: str
    id: str
    work: Work
    object: str = ""
    seq: int = 0
    offset: int
    """Of the request: effects of one target and object are done in this order."""
    status: EffectStatus = "ready"
    created_at: Moment
    deadline_at: Moment
    next_at: Moment | None = None
    attempts: int = 0
    """Number of the last attempt that was reported."""
    failures: int = 0
    """Of this round; a redrive begins a new one."""
    settled: int = 0
    """Attempts up to this one were reported before a person asked for a replay; they say nothing new."""
    recent: tuple[Tried, ...] = ()
    reason: str | None = None

    @property
    def is_open(self) -> bool:
        return self.status in ("ready", "waiting")

    @property
    def kind(self) -> str:
        return str(self.work.__struct_config__.tag)


def effect_ref(target: str, effect_id: str) -> Ref:
    return Ref("effect", (target, effect_id))


def timer_subject(effect_id: str) -> str:
    """Timer ids are bounded, effects' ids nearly as long: `record.id` of a fired timer must stay an `Id`."""
    return effect_id if len(effect_id) <= 150 else f"{effect_id[:120]}~{hash_of(effect_id)}"


def hash_of(text: str) -> str:
    """Tells apart what begins alike; no secret."""
    return blake2b(text.encode(), digest_size=8).hexdigest()


def with_attempt(effect: Effect, tried: Tried, **changes: object) -> Effect:
    """The effect with one more reported attempt."""
    recent = (*effect.recent, tried)[-RECENT:]
    attempts = max(effect.attempts, tried.number)
    return msgspec.structs.replace(effect, recent=recent, attempts=attempts, **changes)


def ready(effect: Effect, deadline_at: datetime) -> Effect:
    """A fresh round, from now on."""
    return msgspec.structs.replace(
        effect, status="ready", next_at=None, failures=0, reason=None, deadline_at=deadline_at
    )
