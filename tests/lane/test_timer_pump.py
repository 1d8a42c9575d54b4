"""Due timers become records; those that the broker did not take are sent again at once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from app.errors import Transient
from app.kafka.publisher import Outgoing
from app.lane.catalogue import RULES
from app.lane.lanes import Lanes
from app.lane.timer_pump import TimerPump, TimerSettings
from app.lane.watchdog import Watchdog, WatchdogSettings
from tests.support.lane_world import Output, World


class Broken(Output):
    """Fails as often as `failures` says."""

    def __init__(self) -> None:
        super().__init__()
        self.failures = 0

    async def publish(self, records: Sequence[Outgoing]) -> None:
        if self.failures and records:
            self.failures -= 1
            raise Transient("broker away")
        await super().publish(records)


async def test_timers_that_were_not_published_are_fired_again_without_waiting() -> None:
    world = World()
    world.deps = type(world.deps)(
        **{name: getattr(world.deps, name) for name in world.deps.__struct_fields__} | {"publisher": Broken()}
    )
    await world.lane.process([world.payment(1)])
    await world.lane.settle()
    broker = Broken()
    broker.failures = 1
    deps = msgspec.structs.replace(world.deps, publisher=broker)
    lanes = Lanes(RULES, deps)
    lanes.owned = frozenset([world.id])
    pump = TimerPump(lanes, deps, TimerSettings())
    due = datetime(2026, 11, 23, tzinfo=UTC)
    with pytest.raises(Transient):
        await pump.fire(due)
    assert await pump.fire(due) == 1
    assert await pump.fire(due) == 0, "fired, and not yet due for another try"


async def test_a_lane_that_is_behind_gets_no_repeats_into_its_queue() -> None:
    """They were half of what an overloaded lane had to decide, and it never caught up."""
    world = World()
    await world.lane.process([world.payment(1)])
    await world.lane.settle()
    lanes = Lanes(RULES, world.deps)
    lanes.owned = frozenset([world.id])
    watchdog = Watchdog(lanes, world.deps, WatchdogSettings())
    pump = TimerPump(lanes, world.deps, TimerSettings(), watchdog.is_behind)
    due = datetime(2026, 11, 23, tzinfo=UTC)
    watchdog.lag[world.id] = 5
    assert await pump.fire(due) == 1, "a timer's first record is sent in any case"
    assert await pump.fire(due + timedelta(seconds=60)) == 0
    lanes[world.id].stats.last_append_ms = int((due + timedelta(seconds=50)).timestamp() * 1000)
    assert await pump.fire(due + timedelta(seconds=60)) == 1, "decided later ones, and this one did not come"
    lanes[world.id].stats.last_append_ms = 0
    watchdog.lag[world.id] = 0
    assert await pump.fire(due + timedelta(seconds=120)) == 1, "nothing waits, and it did not come"
