"""Effects through real workers, Kafka and PostgreSQL to a real server, with faults on both sides."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from tests.effects.asking import PLATFORM, ask, delivery, statuses
from tests.effects.receiver import Hit, Receiver
from tests.effects.workers import Workers
from tests.support.live import Live
from tests.support.waiting import eventually

pytestmark = [pytest.mark.stack, pytest.mark.slow]
SECONDS = 40.0
"""A bound, not an expectation."""
OBJECTS = 6


def status_is(live: Live, effect_id: str, status: str) -> Callable[[], Awaitable[bool]]:
    async def looked() -> bool:
        return (await statuses(live)).get(effect_id) == status

    return looked


def are_done(live: Live, effect_ids: set[str]) -> Callable[[], Awaitable[bool]]:
    async def looked() -> bool:
        found = await statuses(live)
        return all(found.get(effect_id) == "done" for effect_id in effect_ids)

    return looked


def order_of_objects(hits: list[Hit]) -> dict[str, list[int]]:
    """Object -> numbers of its deliveries, each where it was first sent."""
    found: dict[str, list[int]] = {}
    for hit in hits:
        numbers = found.setdefault(hit.headers["tallystick-object"], [])
        number = int(hit.headers["tallystick-sequence"])
        if number not in numbers:
            numbers.append(number)
    return found


async def test_slow_failing_and_dead_targets_leave_the_others_alone(
    live: Live, workers: Workers, receiver: Receiver
) -> None:
    """One worker, all at once: order under failures, a target that hangs, Retry-After, a dead letter and its
    redrive, a breaker that opens and closes.
    """
    live.configure(PLATFORM)
    workers.start()
    await ask(live, [delivery(receiver.url, "we_first", 0)])
    await eventually(status_is(live, "ef-we_first-0", "done"), SECONDS, "the first delivery")

    receiver.answers = {
        "/we_order": [200, 500, 200, 503, 500, 200],
        "/we_hangs": [-1],
        "/we_busy": [429, 200],
        "/we_gone": [410, 200],
        "/we_ill": [500] * 6 + [200],
    }
    receiver.headers = {"Retry-After": "2"}
    in_order = [delivery(receiver.url, "we_order", n, f"m-1/o-{n % OBJECTS}") for n in range(30)]
    healthy = [delivery(receiver.url, f"we_well{n % 5}", n) for n in range(100)]
    hanging = [delivery(receiver.url, "we_hangs", n) for n in range(50)]
    ill = [delivery(receiver.url, "we_ill", n) for n in range(20)]
    single = [delivery(receiver.url, "we_busy", 0), delivery(receiver.url, "we_gone", 0)]
    await ask(live, hanging + ill + in_order + healthy + single)

    await eventually(are_done(live, {each.id for each in healthy}), 15.0, "the healthy all the same")
    await eventually(are_done(live, {each.id for each in in_order}), SECONDS, "those in order")
    for name, numbers in order_of_objects(receiver.at("/we_order")).items():
        assert numbers == sorted(numbers), name
    refused, taken = receiver.at("/we_busy")
    assert taken.at - refused.at >= 2.0
    assert taken.webhook_id == refused.webhook_id

    await eventually(status_is(live, "ef-we_gone-0", "dead"), SECONDS, "what is gone is given up")
    assert "ef-we_gone-0" in live.run("effects", "list", "--status", "dead").stdout
    said = live.run("effects", "redrive", "--target", "webhook:m-1/we_gone").stdout
    assert said.endswith("1 were asked to be redriven\n"), said
    await eventually(status_is(live, "ef-we_gone-0", "done"), SECONDS, "the redriven")

    await eventually(are_done(live, {each.id for each in ill}), SECONDS, "what was ill, once it is well")
    assert len(receiver.at("/we_ill")) <= len(ill) + 7
    receiver.answers.pop("/we_hangs")
    receiver.let_go()
    await eventually(are_done(live, {each.id for each in hanging}), SECONDS, "what hung")
    workers.stop()


async def test_a_killed_worker_repeats_under_the_same_id_and_another_takes_over(
    live: Live, workers: Workers, receiver: Receiver
) -> None:
    """Killed between the attempt and its report: whoever owns the partition then does it again."""
    live.configure(PLATFORM)
    workers.start("one")
    await ask(live, [delivery(receiver.url, "we_first", 0)])
    await eventually(status_is(live, "ef-we_first-0", "done"), SECONDS, "the first delivery")
    workers.start("two")

    asked = [delivery(receiver.url, f"we_{n % 8}", n, f"m-1/o-{n % 3}") for n in range(80)]
    receiver.answers = {f"/we_{n}": [-1] for n in range(8)}
    await ask(live, asked)
    await eventually(lambda: len(receiver.hits) >= 9, SECONDS, "an attempt at each target")
    cut_off = {hit.webhook_id for hit in receiver.hits[1:]}
    workers.kill("one")
    receiver.answers.clear()
    receiver.let_go()
    await eventually(are_done(live, {each.id for each in asked}), SECONDS, "all, by the other worker")
    repeated = [hit.webhook_id for hit in receiver.hits if hit.webhook_id in cut_off]
    assert len(repeated) > len(cut_off)
    assert {hit.webhook_id for hit in receiver.hits[1:]} == {each.work.event_id for each in asked}  # type: ignore[union-attr]
    for path in {hit.path for hit in receiver.hits[1:]}:
        for name, numbers in order_of_objects(receiver.at(path)).items():
            assert numbers == sorted(numbers), (path, name)
    workers.stop("two")
