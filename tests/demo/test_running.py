"""The demo's parts that touch the running system, with the system played by plain objects."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from rich.console import Console

from app.demo import mishaps
from app.demo.live import LiveLine
from app.demo.sender import Sender
from app.demo.stream import Record, Webhook
from app.demo.watch import LANES, NotAtRest, View, Watch, at_rest, remains
from app.kafka.errors import PublishFailed
from app.kafka.partitioner import partition_for
from app.kafka.publisher import Outgoing
from app.store.books import Progress
from tests.support.waiting import eventually

QUIET = Progress(
    positions={},
    outbox=0,
    soon=0,
    halted=[],
    open={},
    worker_lanes={"worker.1": ["a:0"], "worker.2": ["a:1"]},
    silent_seconds={"worker.1": 0.1, "worker.2": 0.1},
)


class FakePublisher:
    """Keeps what it is given; fails the first `failures` calls."""

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.taken: list[tuple[float, Outgoing]] = []

    async def publish(self, records: Sequence[Outgoing]) -> None:
        if self.failures:
            self.failures -= 1
            raise PublishFailed("not acknowledged")
        self.taken += [(time.monotonic(), record) for record in records]


def record(at: float, key: str) -> Record:
    return Record(at, "payments.commands", key, f"{key}@{at}".encode())


async def test_records_are_sent_in_order_and_not_before_their_time() -> None:
    publisher = FakePublisher()
    sender = Sender(publisher, 8)  # type: ignore[arg-type]
    records = [record(0.0, "a"), record(0.0, "b"), record(0.2, "a"), record(0.4, "c")]
    started = time.monotonic()
    handed: list[Webhook] = []
    webhook = Webhook(0.1, "stripe", "evt_1", b"{}")
    await sender.send_paced([*records[:2], webhook, *records[2:]], handed.append)
    assert handed == [webhook]
    assert [taken.value for _, taken in publisher.taken] == [each.value for each in records]
    for (moment, _), each in zip(publisher.taken, records, strict=True):
        assert moment - started >= each.at
    assert sender.sent == 4


async def test_keys_go_to_the_partitions_of_the_java_client() -> None:
    publisher = FakePublisher()
    await Sender(publisher, 8).send([record(0, f"m-{number}") for number in range(50)])  # type: ignore[arg-type]
    for _, taken in publisher.taken:
        assert taken.partition == partition_for(taken.key or b"", 8)


async def test_a_failed_send_is_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.demo.sender.RETRY_SECONDS", 0.0)
    publisher = FakePublisher(failures=3)
    await Sender(publisher, 1).send([record(0, "a")])  # type: ignore[arg-type]
    assert len(publisher.taken) == 1


def test_rest_means_nothing_waits_anywhere() -> None:
    assert at_rest(View(QUIET))
    assert not at_rest(View(None))
    assert not at_rest(View(QUIET, lag=1))
    assert not at_rest(View(msgspec.structs.replace(QUIET, outbox=1)))
    assert not at_rest(View(msgspec.structs.replace(QUIET, soon=1)))
    halted = msgspec.structs.replace(QUIET, soon=2, halted=["payments.commands:3 imbalance"])
    assert remains(View(halted, lag=4)) == (
        "4 records, 0 outbox rows, 2 timers, halted: payments.commands:3 imbalance"
    )


class FakeReader:
    def __init__(self, end: int) -> None:
        self.end = end

    async def end_offsets(self, lanes: Sequence[tuple[str, int]]) -> dict[tuple[str, int], int]:
        return dict.fromkeys(lanes, self.end)


async def test_lag_is_what_the_log_holds_beyond_the_positions(monkeypatch: pytest.MonkeyPatch) -> None:
    progress = msgspec.structs.replace(QUIET, positions={"payments.commands:0": 7, "other:0": 99})

    async def read(pool: Any, horizon: float) -> Progress:
        return progress

    monkeypatch.setattr("app.demo.watch.read_progress", read)
    watch = Watch(None, FakeReader(10), 1)  # type: ignore[arg-type]
    view = await watch.look()
    assert (view.committed, view.lag) == (7, 10 * len(LANES) - 7)
    with pytest.raises(NotAtRest, match=f"waited 0 s for {view.lag} records"):
        await watch.until_at_rest(0.0, lambda view: None)


class FakeRunner:
    """A supervisor of two workers: a kill brings a new pid, a pause moves all lanes to the other."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.pids = {"worker.1": 10, "worker.2": 20}
        self.progress = QUIET

    def pid(self, name: str) -> int:
        return self.pids[name]

    def kill(self, name: str) -> None:
        self.calls.append(f"kill {name}")
        self.pids[name] += 1
        self.progress = msgspec.structs.replace(QUIET, silent_seconds={"worker.1": -5.0})

    def pause(self, name: str) -> None:
        self.calls.append(f"pause {name}")
        self.progress = msgspec.structs.replace(QUIET, worker_lanes={"worker.1": ["a:0", "a:1"]})

    def resume(self, name: str) -> None:
        self.calls.append(f"resume {name}")


async def test_one_worker_is_killed_and_the_other_paused_until_the_takeover() -> None:
    runner, said = FakeRunner(), list[str]()
    plan = mishaps.Plan(0.0, 0.1, session_seconds=0.3)
    trouble = mishaps.Mishaps(
        runner,  # type: ignore[arg-type]
        plan,
        lambda: View(runner.progress),
        2,
        said.append,
    )
    await trouble.run()
    assert runner.calls == ["kill worker.1", "pause worker.2", "resume worker.2"]
    assert "worker.1 is back" in said[1]
    assert "after worker.1 took over its partitions" in said[3]


async def test_a_paused_worker_is_woken_also_when_the_demo_is_stopped() -> None:
    runner = FakeRunner()
    plan = mishaps.Plan(0.0, 0.0, session_seconds=60.0)
    trouble = mishaps.Mishaps(runner, plan, lambda: View(runner.progress), 2, lambda text: None)  # type: ignore[arg-type]
    task = asyncio.create_task(trouble.run())
    await eventually(lambda: "pause worker.2" in runner.calls, 10, "the pause")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert runner.calls[-1] == "resume worker.2"


def test_mishaps_come_early_enough_to_see_the_recovery() -> None:
    for seconds in (10.0, 60.0, None):
        planned = mishaps.plan(seconds, 6.0)
        assert 0 < planned.kill_at < planned.pause_at < 0.5 * (seconds or 60)


def test_the_live_line_shows_rates_lag_workers_and_new_mismatches() -> None:
    console = Console(record=True, width=300)
    line = LiveLine(console)
    line.sent = lambda: 1200
    line.delivered = lambda: 340
    line.open_before = {"AMOUNT_UNDER": 2}
    progress = msgspec.structs.replace(
        QUIET, open={"AMOUNT_UNDER": 5, "LATE": 1}, silent_seconds={"worker.1": 0.2, "worker.2": 9.0}
    )
    line.show(View(progress, committed=900, lag=12, rate=250.0))
    text = console.export_text()
    for part in (
        "sent 1,200 and 340 webhooks",
        "committed 900 (250/s)",
        "lag 12",
        "workers 1 of 2",
        "open 4: under 3, late 1",
    ):
        assert part in text
