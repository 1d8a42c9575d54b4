"""The lane's promises one by one; all of them together, under faults, are the simulation's."""

from __future__ import annotations

from typing import Any

import pytest

from app.contracts.codec import encode
from app.domain.decision import Draft, InvariantBroken
from app.domain.state import account_ref
from app.domain.streams import LEDGER_TRANSACTIONS, PAYMENTS_COMMANDS, PAYMENTS_EVENTS
from app.domain.timers import timer_ref
from app.errors import BadData, Transient
from app.kafka.partitioner import partition_for
from app.lane.catalogue import RULES
from app.lane.intake import FORWARDED
from app.lane.lane import Lane
from app.store.api import BLIND, Change, Commit, Versioned
from tests.support.lane_world import PARTITIONS, Left, World, payment
from tests.support.memory_store import MemoryStore

PENDING = account_ref("m_pend:m-1", "EUR")


def outcomes(world: World) -> dict[str, int]:
    return dict(world.lane.stats.outcomes)


async def test_a_batch_moves_the_position_books_the_money_and_publishes() -> None:
    world = World()
    await world.lane.process([world.payment(1), world.payment(2)])
    await world.lane.settle()
    assert await world.position() == 2
    assert (await world.store.load(world.id, [PENDING]))[PENDING] == Versioned(2003, 1)
    assert [event["seq"] for event in world.output.on(PAYMENTS_EVENTS)] == [1, 1]
    assert len(world.output.on(LEDGER_TRANSACTIONS)) == 2
    assert await world.store.outbox([world.id]) == []


async def test_what_lies_below_the_position_is_dropped() -> None:
    world = World()
    records = [world.payment(1), world.payment(2)]
    await world.lane.process(records)
    await world.lane.process(records)
    assert outcomes(world) == {"applied": 2}


async def test_a_hole_is_read_from_the_log_before_what_was_delivered() -> None:
    world = World()
    records = [world.payment(number) for number in range(6)]
    await world.lane.process(records[:2])
    await world.lane.process(records[5:])
    assert await world.position() == 6
    assert outcomes(world) == {"applied": 6}
    assert world.lane.stats.hole_records == 3


async def test_a_tail_that_nobody_delivers_is_caught_up_in_bounded_batches() -> None:
    world = World(batch_max_records=4)
    for number in range(10):
        world.payment(number)
    await world.lane.catch_up(world.log.end)
    assert await world.position() == 10
    assert world.lane.stats.batches == 3


async def test_offsets_without_records_are_passed() -> None:
    world = World()
    first = world.payment(1)
    world.log.gap()
    last = world.payment(2)
    world.log.gap()
    await world.lane.process([first, last])
    await world.lane.catch_up(world.log.end)
    assert await world.position() == 4
    assert outcomes(world) == {"applied": 2}


async def test_a_zombie_finds_the_position_moved_and_decides_nothing_twice() -> None:
    world = World()
    zombie = world.lane
    await zombie.process([world.payment(0)])
    takeover = world.new_lane()
    await takeover.process([world.payment(1), world.payment(2)])
    await zombie.process(world.log.records[1:])
    assert zombie.stats.moved == 1
    assert dict(zombie.stats.outcomes) == {"applied": 1}
    assert len(world.store.transactions) == 3


async def test_a_repeat_is_a_duplicate_and_other_content_a_dead_letter() -> None:
    world = World()
    await world.lane.process([world.payment(1), world.payment(1), world.payment(1, amount=5)])
    await world.lane.process([world.payment(1)])
    assert outcomes(world) == {"applied": 1, "duplicate": 2, "dead_letter": 1}


async def test_bytes_that_do_not_decode_are_a_dead_letter_that_says_why() -> None:
    world = World()
    records = [world.log.append(None), world.log.append(b"{"), world.log.append(payment(1, amount="x"))]
    await world.lane.process(records)
    assert outcomes(world) == {"dead_letter": 3}
    reasons = [letter.reason for letter in world.store.dead_letters.values()]
    assert reasons[0].startswith("empty")
    assert reasons[1].startswith("not_json")
    assert "amount" in reasons[2]


async def test_a_record_under_a_wrong_key_is_forwarded_once() -> None:
    world = World()
    await world.lane.process([world.log.append(payment(1), key=b"m-2")])
    await world.lane.settle()
    (forwarded,) = world.output.records
    assert (forwarded.topic, forwarded.key) == (PAYMENTS_COMMANDS, b"m-1")
    assert forwarded.partition == partition_for(b"m-1", PARTITIONS)
    again = world.log.append(payment(1), key=b"m-2", headers=forwarded.headers)
    assert FORWARDED in dict(again.headers)
    await world.lane.process([again])
    assert outcomes(world) == {"forwarded": 1, "dead_letter": 1}


class Refusing(MemoryStore):
    """Refuses any batch that holds the poison payment, as PostgreSQL refuses a NUL."""

    async def commit(self, commit: Commit) -> None:
        if any(row.id == "c7" for row in commit.keys):
            raise BadData("invalid byte sequence")
        await super().commit(commit)


async def test_a_batch_that_the_database_refuses_is_split_down_to_the_poison() -> None:
    store = Refusing()
    world = World(store)
    await world.lane.process([world.payment(number) for number in range(16)])
    assert outcomes(world) == {"applied": 15, "dead_letter": 1}
    (letter,) = store.dead_letters.values()
    assert letter.reason.startswith("bad_data")
    assert (await store.position(world.id)).next_offset == 16


async def test_a_forged_table_costs_a_round_and_no_money() -> None:
    world = World()
    await world.lane.process([world.payment(1)])
    world.tables.rows[PENDING] = Versioned(999_999, 0)
    other = world.new_lane()
    await other.process([world.payment(2)])
    assert other.stats.stale == 1
    assert (await world.store.load(world.id, [PENDING]))[PENDING] == Versioned(2003, 1)


class Failing(MemoryStore):
    """Commits the first batch and loses the answer."""

    def __init__(self) -> None:
        super().__init__()
        self.failures = 1

    async def commit(self, commit: Commit) -> None:
        await super().commit(commit)
        if self.failures:
            self.failures -= 1
            raise Transient("connection lost")


async def test_an_answer_that_was_lost_does_not_book_twice_and_its_output_goes_out() -> None:
    store = Failing()
    world = World(store)
    await world.lane.process([world.payment(1)])
    assert len(world.slept) == 1
    assert len(store.transactions) == 1
    assert len(world.output.on(PAYMENTS_EVENTS)) == 1
    assert await store.outbox([world.id]) == []


def _break(draft: Draft, command: Any) -> None:
    raise InvariantBroken("planted")


async def test_a_broken_invariant_leaves_the_process_and_the_third_time_halts_the_partition() -> None:
    world = World()
    record = world.payment(1)
    broken = type(RULES[PAYMENTS_COMMANDS])
    rules = broken(
        **{name: getattr(RULES[PAYMENTS_COMMANDS], name) for name in broken.__struct_fields__}
        | {"decide": _break}
    )
    for _ in range(2):
        with pytest.raises(Left, match="planted"):
            await Lane(world.id, rules, world.deps).process([record])
    last = Lane(world.id, rules, world.deps)
    await last.process([record])
    assert last.halted is not None
    assert (await world.store.position(world.id)).halted is not None
    await world.lane.process([record])
    assert await world.position() == 0, "every worker honours the halt"


async def test_a_replay_publishes_nothing() -> None:
    world = World(publish=False)
    world.payment(1)
    await world.lane.catch_up(1)
    await world.lane.settle()
    assert world.output.records == []
    assert await world.store.outbox([world.id]) == []
    assert await world.position() == 1


async def test_a_timer_taken_early_and_set_to_the_same_time_again_is_taken_again() -> None:
    """Its record has the id of the first firing; as a duplicate it would be fired for ever."""
    world = World()
    await world.lane.process([world.payment(1)])
    ref = timer_ref("m-1", "release", "pay-1/")
    timer = (await world.store.load(world.id, [ref]))[ref]
    fired = encode(timer.value.record)
    await world.lane.process([world.log.append(fired), world.log.append(fired)])
    assert outcomes(world) == {"applied": 2, "duplicate": 1}
    again = Commit(
        lane=world.id, first=3, next=4, counts={"applied": 1}, state={ref: Change(timer.value, 3, BLIND)}
    )
    world.log.gap()
    await world.store.commit(again)
    await world.lane.process([world.log.append(fired), world.log.append(fired)])
    assert outcomes(world) == {"applied": 3, "duplicate": 2}
    assert await world.store.load(world.id, [ref]) == {}
