"""The end of a schedule: the store and what was published, compared with the oracle's replay of the log."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from app.kafka.publisher import Outgoing
from app.store.api import LaneId
from tests.simulation.asked import asked_at_rest
from tests.simulation.oracle import Answer, Published, lane_code, replay
from tests.simulation.order import calm, ends_of
from tests.simulation.rest import at_rest
from tests.simulation.world import World
from tests.support.memory_store import address

SHOWN = 3


def judge(world: World) -> None:
    """Tells the world of every difference."""
    answers = {
        lane: replay(lane, world.broker.partitions[lane].records, world.partitions) for lane in world.lane_ids
    }
    for lane, answer in answers.items():
        _compare_outcomes(world, lane, answer)
        _compare_ledger(world, lane, answer)
        _compare_published(world, lane, answer)
    _compare_rows(world, answers)
    judge_rules(world)


def judge_rules(world: World) -> None:
    """Without knowing how the rules decide: what they leave behind agrees, whatever the order."""
    _report(world, "at rest", at_rest(world))
    _report(world, "asked for", asked_at_rest(world))
    if world.shape.orderly:
        rows = ((place[1], row.value) for place, row in world.store.rows.items())
        found = ends_of(rows, world.store.transactions.values())
        wanted = calm(world.told, world.partitions, world.rng)
        _report(world, "another order ends otherwise", wanted.differences(found))


def _compare_outcomes(world: World, lane: LaneId, answer: Answer) -> None:
    """Per offset: decided once, with the same outcome; the rest are duplicates and forwards by number."""
    found = {
        row.offset: row.outcome for kept_lane, row in world.store.record_keys.values() if kept_lane == lane
    }
    for kept_lane, offset in world.store.dead_letters:
        if kept_lane == lane:
            found[offset] = "dead_letter"
    expected = {
        o: outcome for o, outcome in answer.outcomes.items() if outcome not in ("duplicate", "forwarded")
    }
    _report(world, f"{lane}: outcomes", _differences(expected, found))
    for outcome in ("duplicate", "forwarded"):
        counted = sum(batch.counts.get(outcome, 0) for batch in world.store.batches if batch.lane == lane)
        wanted = sum(1 for kept in answer.outcomes.values() if kept == outcome)
        if counted != wanted:
            world.problem(f"{lane}: {counted} records counted {outcome}, {wanted} are")


def _compare_ledger(world: World, lane: LaneId, answer: Answer) -> None:
    code = lane_code(lane) + "."
    found = {name: posted for name, posted in world.store.transactions.items() if name.startswith(code)}
    expected = {transaction.id: transaction for transaction in answer.transactions}
    _report(world, f"{lane}: ledger", _differences(expected, found))


def _compare_rows(world: World, answers: dict[LaneId, Answer]) -> None:
    expected = {
        address(lane, ref): row for lane, answer in answers.items() for ref, row in answer.rows.items()
    }
    found = {place: tuple(row) for place, row in world.store.rows.items()}
    _report(world, "state", _differences(expected, found))
    now = world.loop.now_ms
    for place, (value, _) in expected.items():
        if place[1].kind == "timer" and value.due_at_ms <= now:
            world.problem(f"timer {place[1].key} was due {now - value.due_at_ms} ms ago and is still there")


def _compare_published(world: World, lane: LaneId, answer: Answer) -> None:
    """Every output at least once; into each partition in the lane's order, after repeats are dropped."""
    expected = _by_target(answer.published)
    found = _by_target(
        (record.topic, record.partition, record.key, record.value) for record in _own(world, lane)
    )
    for target in sorted(expected.keys() | found.keys()):
        wanted, came = expected.get(target, []), found.get(target, [])
        if wanted != came:
            missing = [record for record in wanted if record not in came]
            extra = [record for record in came if record not in wanted]
            order = "" if missing or extra else "in another order"
            world.problem(
                f"{lane} -> {target}: {len(came)} outputs instead of {len(wanted)} {order}; "
                f"missing {missing[:SHOWN]}, extra {extra[:SHOWN]}"
            )


def _own(world: World, lane: LaneId) -> list[Outgoing]:
    return world.published[lane]


def _by_target(records: Iterable[Published]) -> dict[tuple[str, int], list[tuple[Any, Any]]]:
    """Outputs per topic and partition, each at its first appearance."""
    targets: dict[tuple[str, int], dict[tuple[Any, Any], None]] = {}
    for topic, partition, key, value in records:
        targets.setdefault((topic, partition), {}).setdefault((key, value))
    return {target: list(records) for target, records in targets.items()}


def _differences(expected: dict[Any, Any], found: dict[Any, Any]) -> Iterator[str]:
    if expected == found:
        return
    for key in expected.keys() | found.keys():
        if expected.get(key) != found.get(key):
            yield f"{key}: expected {expected.get(key)}, found {found.get(key)}"


def _report(world: World, what: str, differences: Iterator[str]) -> None:
    listed = sorted(differences)
    if listed:
        more = f" and {len(listed) - SHOWN} more" if len(listed) > SHOWN else ""
        world.problem(f"{what}: " + "; ".join(listed[:SHOWN]) + more)
