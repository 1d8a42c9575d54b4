"""The simulator in short: schedules go well, faults meet steps, planted bugs are found, seeds repeat."""

from __future__ import annotations

import os
from functools import cache
from multiprocessing import get_context

import pytest

from tests.simulation.campaign import CHUNK, NOTHING, Tally, run_many, run_some, story
from tests.simulation.campaign import Task as Some
from tests.simulation.coverage import below, pairs, table
from tests.simulation.faults import FAULTS
from tests.simulation.kept_seeds import KEPT
from tests.simulation.plant import Plant
from tests.simulation.planted import PLANTED
from tests.simulation.planted_rules import PLANTED_IN_RULES
from tests.simulation.schedule import quiet, run_schedule
from tests.simulation.steps import STEPS

SCHEDULES = 1000
RECORDS = 200
FAULTS_EACH = 3
FIRST_SEED = 0
FIND_WITHIN = 1000


@cache
def campaign() -> Tally:
    return run_many(FIRST_SEED, SCHEDULES, RECORDS, FAULTS_EACH, processes=os.cpu_count() or 1)


@pytest.mark.slow
@pytest.mark.timeout(1800)  # two minutes on two idle cores; this must not be what a busy machine fails by
def test_schedules_go_well() -> None:
    tally = campaign()
    stories = [story(seed, RECORDS, FAULTS_EACH) for seed in sorted(tally.failed)[:2]]
    assert not tally.failed, "\n\n".join([f"failed: {sorted(tally.failed)}", *stories])
    assert tally.schedules == SCHEDULES
    assert tally.fewest >= RECORDS
    assert tally.faults >= SCHEDULES * FAULTS_EACH


@pytest.mark.slow
def test_every_fault_meets_every_step() -> None:
    """Scaled down from a hundred times each in a hundred thousand schedules."""
    met = campaign().met
    by_fault = {fault: sum(met[fault, step] for step in STEPS) for fault in FAULTS}
    by_step = {step: sum(met[fault, step] for fault in FAULTS) for step in STEPS}
    assert min(by_fault.values()) >= SCHEDULES // 10, table(met)
    assert min(by_step.values()) >= SCHEDULES // 20, table(met)
    assert len(below(met, 1)) <= len(list(pairs())) // 10, table(met)


@pytest.mark.parametrize("plant", [*PLANTED, *PLANTED_IN_RULES], ids=lambda plant: plant.name)
def test_planted_bug_is_found(plant: Plant) -> None:
    """Within a thousand schedules that go well without it."""
    with quiet():
        for seed in range(FIND_WITHIN):
            if run_schedule(seed, RECORDS, FAULTS_EACH, plant=plant).problems:
                break
        else:
            pytest.fail(f"{plant.name} was not found in {FIND_WITHIN} schedules")
        assert not run_schedule(seed, RECORDS, FAULTS_EACH).problems


def test_same_seed_same_schedule_in_every_process() -> None:
    """Another process hashes texts otherwise: no order may come from a set."""
    with get_context("spawn").Pool(1) as pool:
        there = pool.map(trace_of, range(5))
    assert there == [trace_of(seed) for seed in range(5)]
    assert all(len(trace) > RECORDS for trace in there)


def trace_of(seed: int) -> list[str]:
    with quiet():
        return run_schedule(seed, RECORDS, FAULTS_EACH, traced=True).trace


def test_schedules_add_up() -> None:
    tally = run_some(Some(FIRST_SEED, 2, RECORDS, FAULTS_EACH))
    assert tally.schedules == 2 <= CHUNK
    assert tally.plus(NOTHING) == tally


@pytest.mark.parametrize(("seed", "records", "faults", "what"), KEPT)
def test_kept_seed(seed: int, records: int, faults: int, what: str) -> None:
    with quiet():
        done = run_schedule(seed, records, faults)
    assert not done.problems, f"{what}: {done.problems}"
