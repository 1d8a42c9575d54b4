"""The effects lane, keyed by target: keeps what was asked of the outside until it is done or given up.

It performs nothing: the executor (`app/effects/`) attempts what is `ready` and reports; here is decided what
follows from a report. An effect is always open (ready, or waiting with a timer), done or dead, whatever
reports come in whatever order and however often.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final, assert_never

import msgspec

from app.domain import platform as platforms
from app.domain.alert_delivery import AlertDelivery
from app.domain.alert_records import AlertUndelivered
from app.domain.commands import PlatformConfigure
from app.domain.decision import Draft, Duplicate, Ignored
from app.domain.effect import REASON_CHARACTERS, Effect, Tried, effect_ref, ready, timer_subject, with_attempt
from app.domain.effect_policy import Policy, pause_after, policy_for
from app.domain.effects import (
    EffectAttempted,
    EffectDue,
    EffectRedrive,
    EffectRequested,
    EffectsLaneRecord,
    ReportRun,
)
from app.domain.merchant import platform_in
from app.domain.psp_calls import PspAnswered, PspCall
from app.domain.runs import RunFinished
from app.domain.state import PLATFORM, Ref
from app.domain.streams import ALERTS_COMMANDS, PAYMENTS_COMMANDS, RECONCILIATION_COMMANDS
from app.domain.timers import clear_timer, set_timer, take_fired, timer_ref

TIMER: Final = "effect.due"


def decide(draft: Draft, command: EffectsLaneRecord) -> None:
    """What one record of `effects.requests` does; see `app/domain/decision.py` for how it ends."""
    match command:
        case EffectRequested():
            _request(draft, command)
        case EffectAttempted():
            _report(draft, command)
        case EffectDue():
            _due(draft, command)
        case EffectRedrive():
            _redrive(draft, command)
        case PlatformConfigure():
            platforms.configure(draft, command)
        case _:
            assert_never(command)


def record_key(command: EffectsLaneRecord) -> str | None:
    """The Kafka key a record must have; None: goes to every partition."""
    return None if isinstance(command, PlatformConfigure) else command.target


def prefetch(command: EffectsLaneRecord) -> Iterable[Ref]:
    """Rows the decision will surely want."""
    if isinstance(command, PlatformConfigure):
        return (PLATFORM,)
    if isinstance(command, EffectRequested):
        return (PLATFORM, effect_ref(command.target, command.id))
    effect = effect_ref(command.target, command.effect_id)
    if isinstance(command, EffectDue):
        return (effect, timer_ref(command.target, TIMER, timer_subject(command.effect_id)))
    return (PLATFORM, effect)


def _request(draft: Draft, command: EffectRequested) -> None:
    ref = effect_ref(command.target, command.id)
    if draft.get(ref) is not None:
        raise Duplicate
    effect = Effect(
        target=command.target,
        id=command.id,
        work=command.work,
        object=command.object,
        seq=command.seq,
        offset=draft.source.offset,
        created_at=draft.now,
        deadline_at=draft.now,
    )
    latest = draft.now + timedelta(seconds=_policy(draft, effect).deadline_seconds)
    asked = command.deadline_at
    deadline = latest if asked is None else min(asked, latest)
    draft.put(ref, msgspec.structs.replace(effect, deadline_at=deadline))


def _report(draft: Draft, command: EffectAttempted) -> None:
    ref = effect_ref(command.target, command.effect_id)
    effect: Effect | None = draft.get(ref)
    if effect is None:
        raise Ignored("no such effect")
    if effect.status == "done" or command.attempt <= effect.settled:
        raise Ignored("it was done before")
    if command.outcome != "done" and (command.attempt <= effect.attempts or effect.status == "dead"):
        raise Ignored("this attempt was reported before")
    draft.put(ref, _after(draft, effect, command))


def _after(draft: Draft, effect: Effect, command: EffectAttempted) -> Effect:
    tried = _tried(command)
    if effect.status == "waiting":
        clear_timer(draft, TIMER, timer_subject(effect.id))
    if command.outcome == "done":
        return with_attempt(effect, tried, status="done", next_at=None, reason=None)
    if command.outcome == "failed":
        reason = tried.reason or "it failed"
        _tell_undelivered(draft, effect, reason)
        return with_attempt(effect, tried, status="dead", next_at=None, reason=reason)
    return _next_attempt(draft, with_attempt(effect, tried, failures=effect.failures + 1), command)


def _next_attempt(draft: Draft, effect: Effect, command: EffectAttempted) -> Effect:
    """Waiting for another attempt, or given up where none is left."""
    pause = pause_after(_policy(draft, effect), effect.failures, effect.id, command.retry_after_seconds)
    if pause is None:
        return _give_up(draft, effect, f"given up after {effect.failures} attempts: {command.reason}")
    next_at = draft.now + pause
    if next_at > effect.deadline_at:
        return _give_up(draft, effect, f"past its deadline: {command.reason}")
    return _wait(draft, effect, next_at)


def _wait(draft: Draft, effect: Effect, next_at: datetime) -> Effect:
    due = EffectDue(id="-", target=effect.target, effect_id=effect.id)
    set_timer(draft, TIMER, timer_subject(effect.id), next_at, due)
    return msgspec.structs.replace(effect, status="waiting", next_at=next_at)


def _give_up(draft: Draft, effect: Effect, reason: str) -> Effect:
    """Dead; whoever asked is told, because nobody will try it again."""
    if isinstance(effect.work, PspCall):
        draft.send(PAYMENTS_COMMANDS, effect.work.merchant_id, _gave_up(draft, effect, effect.work, reason))
    if isinstance(effect.work, ReportRun):
        failed = RunFinished(
            id=draft.next_id(),
            run_id=effect.work.run_id,
            outcome="failed",
            reason=reason[:REASON_CHARACTERS],
        )
        draft.send(RECONCILIATION_COMMANDS, failed.run_id, failed)
    _tell_undelivered(draft, effect, reason)
    return msgspec.structs.replace(effect, status="dead", next_at=None, reason=reason[:REASON_CHARACTERS])


def _tell_undelivered(draft: Draft, effect: Effect, reason: str) -> None:
    """An alert that a channel did not take goes on by another."""
    if not isinstance(effect.work, AlertDelivery):
        return
    work = effect.work
    undelivered = AlertUndelivered(
        id=draft.next_id(),
        lane=work.message.lane,
        channel=work.channel,
        message=work.message,
        tried=work.tried,
        reason=reason[:REASON_CHARACTERS],
    )
    draft.send(ALERTS_COMMANDS, undelivered.lane, undelivered)


def _gave_up(draft: Draft, effect: Effect, call: PspCall, reason: str) -> PspAnswered:
    return PspAnswered(
        id=draft.next_id(),
        merchant_id=call.merchant_id,
        effect_id=effect.id,
        psp=call.psp,
        operation=call.operation,
        payment_id=call.payment_id,
        object_id=call.object_id,
        outcome="gave_up",
        reason=reason[:REASON_CHARACTERS],
        answered_at=draft.now,
    )


def _due(draft: Draft, command: EffectDue) -> None:
    take_fired(draft, command.id)
    ref = effect_ref(command.target, command.effect_id)
    effect: Effect | None = draft.get(ref)
    if effect is None or effect.status != "waiting":
        raise Ignored("nothing waits for this timer")
    draft.put(ref, msgspec.structs.replace(effect, status="ready", next_at=None))


def _redrive(draft: Draft, command: EffectRedrive) -> None:
    ref = effect_ref(command.target, command.effect_id)
    effect: Effect | None = draft.get(ref)
    if effect is None:
        raise Ignored("no such effect")
    if effect.status == "ready":
        raise Ignored("it may be attempted already")
    if effect.status == "done" and isinstance(effect.work, PspCall):
        raise Ignored("the PSP has answered, and who asked has acted on it: ask anew")
    if effect.status == "waiting":
        clear_timer(draft, TIMER, timer_subject(effect.id))
    if effect.status == "done":
        effect = msgspec.structs.replace(effect, settled=effect.attempts)
    deadline = draft.now + timedelta(seconds=_policy(draft, effect).deadline_seconds)
    draft.put(ref, ready(effect, deadline))


def _tried(command: EffectAttempted) -> Tried:
    return Tried(
        number=command.attempt,
        at=command.at,
        outcome=command.outcome,
        status_code=command.status_code,
        reason=None if command.reason is None else command.reason[:REASON_CHARACTERS],
        ms=command.took_ms,
    )


def _policy(draft: Draft, effect: Effect) -> Policy:
    return policy_for(effect.kind, effect.target, platform_in(draft).effects)
