"""The effects lane: nothing asked for is lost, whatever reports come in whatever order and however often."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.commands import PlatformConfigure
from app.domain.effect import RECENT
from app.domain.effect_policy import DEFAULTS, JITTER, EffectLimits, pause_after, policy_for
from app.domain.effects import EffectDue
from app.domain.psp_calls import PspAnswered
from app.domain.streams import PAYMENTS_COMMANDS
from app.domain.timers import from_epoch_ms
from tests.support.effects_world import NOON, PSP, WEBHOOK, EffectsWorld, attempted, redrive, requested
from tests.support.properties import QUICK

WEBHOOKS = DEFAULTS["webhook.delivery"]


@pytest.fixture
def world() -> EffectsWorld:
    made = EffectsWorld()
    assert made.send(requested()) == "applied"
    return made


def fail(world: EffectsWorld, number: int, **fields: Any) -> timedelta:
    """One failed attempt; the pause that follows, and the end of it."""
    before = world.now
    assert world.send(attempted(number, **fields)) == "applied"
    (timer,) = world.timers()
    assert world.effect().status == "waiting"
    assert world.fire() == ["applied"]
    assert world.effect().status == "ready"
    return from_epoch_ms(timer.due_at_ms) - before


def test_what_is_asked_for_is_ready_until_it_is_done(world: EffectsWorld) -> None:
    assert world.effect().status == "ready"
    assert world.send(attempted(1, "done", status_code=204, took_ms=12, reason=None)) == "applied"
    effect = world.effect()
    assert (effect.status, effect.attempts, world.timers()) == ("done", 1, [])
    assert [(tried.number, tried.status_code, tried.ms) for tried in effect.recent] == [(1, 204, 12)]


def test_pauses_grow_as_the_schedule_says_each_a_little_off(world: EffectsWorld) -> None:
    for number, seconds in enumerate((1, 2, 4, 8, 16), 1):
        pause = fail(world, number).total_seconds()
        assert seconds * (1 - JITTER) - 0.001 <= pause <= seconds * (1 + JITTER) + 0.001


def test_jitter_differs_between_effects_and_not_between_replays() -> None:
    pauses = [pause_after(WEBHOOKS, 3, f"ef-{number}", None) for number in range(20)]
    assert len(set(pauses)) > 10
    assert pauses == [pause_after(WEBHOOKS, 3, f"ef-{number}", None) for number in range(20)]


def test_retry_after_is_waited_for_when_it_is_longer_and_within_reason(world: EffectsWorld) -> None:
    assert fail(world, 1, retry_after_seconds=90.0) == timedelta(seconds=90)
    assert fail(world, 2, retry_after_seconds=0.01) < timedelta(seconds=3)
    longest = timedelta(seconds=WEBHOOKS.retry_after_at_most_seconds)
    assert fail(world, 3, retry_after_seconds=10.0**9) == longest


def test_when_no_pause_is_left_it_is_given_up(world: EffectsWorld) -> None:
    for number in range(1, len(WEBHOOKS.pauses_seconds) + 1):
        fail(world, number)
    assert world.send(attempted(len(WEBHOOKS.pauses_seconds) + 1)) == "applied"
    effect = world.effect()
    assert (effect.status, world.timers()) == ("dead", [])
    assert effect.reason == f"given up after {len(WEBHOOKS.pauses_seconds) + 1} attempts: no answer"
    assert len(effect.recent) == RECENT


def test_no_attempt_is_planned_beyond_the_deadline() -> None:
    world = EffectsWorld()
    world.send(requested(deadline_at=NOON + timedelta(seconds=2)))
    fail(world, 1)
    assert world.send(attempted(2)) == "applied"
    assert (world.effect().status, world.effect().reason) == ("dead", "past its deadline: no answer")


def test_an_asked_deadline_does_not_outlast_the_kinds_own() -> None:
    world = EffectsWorld()
    world.send(requested(deadline_at=NOON + timedelta(days=400)))
    assert world.effect().deadline_at == NOON + timedelta(seconds=WEBHOOKS.deadline_seconds)


def test_what_no_repeat_will_help_is_given_up_at_once(world: EffectsWorld) -> None:
    assert world.send(attempted(1, "failed", status_code=410, reason="gone")) == "applied"
    assert (world.effect().status, world.effect().reason, world.timers()) == ("dead", "gone", [])


def test_a_psp_is_asked_until_the_deadline_and_the_asker_is_told_when_it_is_over() -> None:
    world = EffectsWorld()
    world.send(requested("c-1", target=PSP, deadline_at=NOON + timedelta(minutes=5)))
    number = 0
    while world.effect("c-1", PSP).is_open:
        number += 1
        assert world.send(attempted(number, effect_id="c-1", target=PSP)) == "applied"
        world.fire()
    assert number > 10
    (told,) = world.sends
    assert (told.topic, told.key) == (PAYMENTS_COMMANDS, "m-1")
    assert isinstance(told.record, PspAnswered)
    assert (told.record.outcome, told.record.effect_id, told.record.object_id) == ("gave_up", "c-1", "re-1")


def test_a_report_counts_once_unless_it_is_done(world: EffectsWorld) -> None:
    fail(world, 1)
    assert world.send(attempted(1, id="again", reason="another")) == "ignored"
    assert world.send(attempted(1, "done", id="late")) == "applied"
    assert world.effect().status == "done"


def test_done_stays_done(world: EffectsWorld) -> None:
    world.send(attempted(1, "done"))
    for late in (attempted(2), attempted(2, "failed"), attempted(3, "done")):
        assert world.send(late) == "ignored"
    assert (world.effect().status, world.effect().attempts) == ("done", 1)


def test_a_timer_counts_only_while_it_stands(world: EffectsWorld) -> None:
    world.send(attempted(1))
    (timer,) = world.timers()
    world.send(attempted(2, "done"))
    assert world.send(timer.record) == "ignored"
    assert world.effect().status == "done"


def test_a_redrive_gives_what_was_given_up_a_fresh_round(world: EffectsWorld) -> None:
    world.send(attempted(1, "failed"))
    world.pass_time(10 * 86_400)
    assert world.send(redrive()) == "applied"
    effect = world.effect()
    assert (effect.status, effect.failures, effect.reason) == ("ready", 0, None)
    assert effect.deadline_at == world.now + timedelta(seconds=WEBHOOKS.deadline_seconds)
    assert fail(world, 2) < timedelta(seconds=2)


def test_a_replay_is_not_ended_by_a_late_report_of_what_was_done_before(world: EffectsWorld) -> None:
    world.send(attempted(1, "done"))
    assert world.send(redrive()) == "applied"
    assert world.send(attempted(1, "done", id="a zombie's")) == "ignored"
    assert world.effect().status == "ready"
    assert world.send(attempted(2, "done")) == "applied"
    assert world.effect().status == "done"


def test_a_redrive_of_what_waits_ends_the_waiting(world: EffectsWorld) -> None:
    world.send(attempted(1))
    assert world.send(redrive()) == "applied"
    assert (world.effect().status, world.timers()) == ("ready", [])
    assert world.send(redrive(2)) == "ignored"


def test_what_was_never_asked_for_is_ignored() -> None:
    world = EffectsWorld()
    assert world.send(attempted(1)) == "ignored"
    assert world.send(redrive()) == "ignored"


def test_ids_as_long_as_they_may_be_fit_their_timers() -> None:
    world = EffectsWorld()
    ids = ["x" * 199 + "1", "x" * 199 + "2"]
    for effect_id in ids:
        world.send(requested(effect_id))
        assert world.send(attempted(1, effect_id=effect_id, id=effect_id[-1])) == "applied"
    records = [msgspec.to_builtins(timer.record) for timer in world.timers()]
    assert len({msgspec.convert(record, EffectDue).id for record in records}) == 2
    assert world.fire() + world.fire() == ["applied", "applied"]


def test_limits_of_a_target_win_over_those_of_its_kind() -> None:
    configured = {
        "webhook.delivery": EffectLimits(concurrency=3, pauses_seconds=(5.0,)),
        "webhook:m-1": EffectLimits(concurrency=1),
    }
    assert policy_for("webhook.delivery", WEBHOOK, configured).concurrency == 1
    assert policy_for("webhook.delivery", WEBHOOK, configured).pauses_seconds == (5.0,)
    assert policy_for("webhook.delivery", "webhook:m-2/we_1", configured).concurrency == 3
    assert policy_for("webhook.delivery", WEBHOOK, {}) == WEBHOOKS


def test_configured_pauses_hold_for_what_fails_from_then_on(world: EffectsWorld) -> None:
    limits = EffectLimits(pauses_seconds=(100.0,))
    world.send(PlatformConfigure(id="cfg", effects={"webhook.delivery": limits}))
    assert fail(world, 1) >= timedelta(seconds=80)
    world.send(attempted(2))
    assert world.effect().status == "dead"


STEPS = st.lists(
    st.one_of(
        st.builds(attempted, st.integers(1, 30), st.sampled_from(["retry", "retry", "done", "failed"])),
        st.builds(redrive, st.integers(1, 3)),
        st.just("fire"),
        st.just("request"),
        st.integers(1, 100_000),
    ),
    max_size=60,
)


@QUICK
@given(STEPS)
def test_any_order_leaves_the_effect_open_with_a_way_on_or_done_or_dead(steps: list[Any]) -> None:
    world = EffectsWorld()
    world.send(requested())
    redriven = 0
    for step in steps:
        before = world.effect()
        if step == "fire":
            world.fire()
        elif step == "request":
            assert world.send(requested()) == "duplicate"
        elif isinstance(step, int):
            world.pass_time(step)
        else:
            outcome = world.send(step)
            redriven += outcome == "applied" and step.id.startswith("redrive")
            if before.status == "done" and not step.id.startswith("redrive"):
                assert world.effect() == before
        effect = world.effect()
        assert effect.status in ("ready", "waiting", "done", "dead")
        assert len(world.timers()) == (effect.status == "waiting")
        assert (effect.next_at is not None) == (effect.status == "waiting")
        assert (effect.reason is not None) == (effect.status == "dead")
        assert effect.failures <= len(WEBHOOKS.pauses_seconds) + 1
        if effect.next_at is not None:
            assert effect.next_at <= effect.deadline_at
    assert len(world.rows) == 1 + len(world.timers())


@QUICK
@given(st.lists(st.sampled_from(["retry", "repeat", "old"]), max_size=200))
def test_without_a_redrive_attempts_end(kinds: list[str]) -> None:
    world = EffectsWorld()
    world.send(requested())
    number = 0
    for position, kind in enumerate(kinds):
        if world.effect().status == "dead":
            break
        if kind == "retry":
            number += 1
            assert world.send(attempted(number)) == "applied"
            world.fire()
        elif number:
            late = attempted(number if kind == "repeat" else 1, id=f"late-{position}")
            assert world.send(late) == "ignored"
    assert number <= len(WEBHOOKS.pauses_seconds) + 1
