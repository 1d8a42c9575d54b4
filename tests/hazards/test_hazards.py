"""The short version of `chaos.py`: every kind of fault under load on one stack, then the judgement.

The tests build on one another in the order of this file: load runs from the first on, the books are judged
once for all of it, and what damages a log for good comes last.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from random import Random

import pytest
import pytest_asyncio

from tests.hazards import damage, web_faults
from tests.hazards.cluster import PARTITIONS, running
from tests.hazards.faults import PATIENCE_SECONDS, Hazards
from tests.hazards.monitor import Monitor
from tests.hazards.oracle import drained, judge
from tests.hazards.sending import Load, under_load
from tests.hazards.traffic import Traffic
from tests.hazards.truth import COMMANDS, LINES
from tests.support.waiting import eventually

SEED = 20261120
RATE = 150.0
WORKERS = 2
EXIT_SECONDS = 25.0
"""SIGTERM must end a worker by itself; with the machine to itself it takes 1 to 3 seconds."""

pytestmark = [
    pytest.mark.hazard,
    pytest.mark.slow,
    pytest.mark.stack,
    pytest.mark.asyncio(loop_scope="module"),
]


class Scene:
    """What the tests share. `until_judged` holds the load, which ends when the books are judged."""

    def __init__(self, hazards: Hazards, monitor: Monitor, load: Load, until_judged: AsyncExitStack) -> None:
        self.hazards, self.monitor, self.until_judged = hazards, monitor, until_judged
        self.cluster, self.sender, self.poster = hazards.cluster, load.sender, load.poster


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    print(f"seed {SEED}")
    traffic = Traffic(SEED, PARTITIONS)
    async with (
        running(tmp_path_factory.mktemp("hazards")) as cluster,
        Monitor(cluster).watching() as monitor,
        AsyncExitStack() as load,
    ):
        hazards = Hazards(cluster, monitor, Random(SEED))
        parts = await load.enter_async_context(under_load(cluster, traffic, RATE))
        await hazards.begin(WORKERS)
        await parts.sender.send(traffic.opening())
        yield Scene(hazards, monitor, parts, load)


@pytest.mark.parametrize("round_", range(5))
async def test_kills_while_workers_join_and_leave(scene: Scene, round_: int) -> None:
    """Ten joins in all, ten kills of workers old and new, and five ends by SIGTERM under load."""
    hazards = scene.hazards
    victim = hazards.stayers[round_ % WORKERS]
    async with scene.monitor.window() as window:
        killed, ended, _ = await asyncio.gather(hazards.join(), hazards.join(), hazards.kill(victim))
        hazards.kill_guest(killed)
        seconds = await hazards.leave(ended)
        await window.moving()
    assert seconds < EXIT_SECONDS


@pytest.mark.parametrize("worker", range(2))
async def test_a_worker_paused_past_its_session_wakes_after_the_takeover(scene: Scene, worker: int) -> None:
    async with scene.monitor.window() as window:
        await scene.hazards.pause_past_session(scene.hazards.stayers[worker])
        await window.moving()


async def test_a_worker_paused_in_a_transaction_wakes_after_the_takeover(scene: Scene) -> None:
    async with scene.monitor.window() as window:
        await scene.hazards.pause_in_transaction(scene.hazards.stayers[0])
        await window.moving()


async def test_the_broker_is_killed(scene: Scene) -> None:
    async with scene.monitor.window() as window:
        await scene.hazards.kill_broker()
        await window.moving()


async def test_the_database_is_killed_with_a_worker(scene: Scene) -> None:
    async with scene.monitor.window() as window:
        await asyncio.gather(scene.hazards.kill_database(), scene.hazards.kill(scene.hazards.stayers[1]))
        await window.moving()


async def test_the_web_is_killed_and_the_broker_under_it_while_webhooks_come(scene: Scene) -> None:
    """What it has not answered comes again; what it has answered is stored."""
    async with scene.monitor.window() as window:
        await web_faults.kill_web(scene.hazards, scene.poster)
        await web_faults.kill_web_and_broker(scene.hazards, scene.poster)
        await window.moving()


async def test_batches_that_were_acknowledged_and_not_handed_over_are_read_again(scene: Scene) -> None:
    """By a worker with its watchdog on, and by one with it off."""
    before = scene.monitor.counted["hole_records"]
    async with scene.monitor.window() as window:
        await asyncio.gather(scene.hazards.swallow(100), scene.hazards.swallow(100, "blind"))
        await window.moving()
    assert scene.monitor.counted["hole_records"] > before


async def test_group_offsets_and_tables_do_not_matter(scene: Scene) -> None:
    """All at once, while no worker runs: offsets anywhere, forged balances and versions."""
    async with scene.monitor.window() as window:
        await scene.hazards.all_down()
        await scene.hazards.force_offsets()
        await scene.hazards.forge_tables()
        scene.hazards.all_up()
        await window.moving()


async def test_a_broken_invariant_halts_its_partition_and_no_other(scene: Scene) -> None:
    hazards = scene.hazards
    lane = await damage.plant_broken_invariant(hazards)
    await eventually(lambda: lane in scene.monitor.halted, PATIENCE_SECONDS, f"{lane} to be halted")
    assert "3 fail-stops" in scene.monitor.halted[lane]
    await damage.others_go_on(scene.monitor, lane)
    await damage.remove_plant(scene.cluster, lane)
    await scene.cluster.verb("partitions", "resume", lane.topic, str(lane.partition))
    async with scene.monitor.window() as window:
        await window.moving()


async def test_what_was_sent_is_what_the_books_hold(scene: Scene) -> None:
    await scene.until_judged.aclose()
    await drained(scene.cluster, scene.monitor)
    await scene.hazards.all_down()
    verdict = await judge(scene.cluster, scene.sender.traffic.truth, scene.hazards.forged)
    print(scene.sender.sent, verdict.figures, dict(scene.monitor.counted))
    assert verdict.problems == [], "\n".join(verdict.problems)
    assert (verdict.lost, verdict.doubled) == (0, 0)
    requests = verdict.figures["requests accepted"], verdict.figures["requests refused"]
    assert min(requests) > max(requests) / 4, "about half of the requests were to be refused"
    assert scene.monitor.counted["hole_records"] > 0
    assert verdict.figures["matches compared"] > 100
    assert verdict.figures["exceptions compared"] > 100
    assert scene.poster.answers[0] + scene.poster.answers[503] > 0
    assert scene.sender.transactions > 0
    assert scene.sender.aborted > 0


async def test_records_as_large_as_the_broker_takes_are_decided(scene: Scene) -> None:
    """What would have to be passed on and has grown too large for that is a dead letter, not a halt."""
    await damage.publish(scene.cluster, damage.large_records())
    scene.hazards.all_up()
    await drained(scene.cluster, scene.monitor)
    assert scene.monitor.halted == {}
    assert await damage.outcome_of(scene.cluster, COMMANDS, "large-right") == ("applied", None)
    for topic, record_id in ((COMMANDS, "large-wrong"), (LINES, "large-line")):
        outcome, reason = await damage.outcome_of(scene.cluster, topic, record_id)
        assert outcome is None
        assert reason is not None
        assert reason.startswith("too_large: ")


async def test_a_log_cut_off_below_the_position_is_a_loud_halt(scene: Scene) -> None:
    hazards = scene.hazards
    lane = await damage.cut_off(hazards)
    await eventually(lambda: lane in scene.monitor.halted, PATIENCE_SECONDS, f"{lane} to be halted")
    await damage.others_catch_up(scene.cluster, scene.monitor, lane)
    assert "covers" in scene.monitor.halted[lane]
