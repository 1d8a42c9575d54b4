"""What the hand-over costs: a no-op agent on whole fetches, beside a raw aiokafka loop and Faust per event.

    python -m bench.handover --records 400000 --rounds 3

KAFKA_BOOTSTRAP_SERVERS names the broker. Every peer reads the same topic from its beginning, in random order
per round, in a process of its own. It counts records and adds up their values; a peer whose sum is wrong gets
no figure. Times run from the first record to the last, CPU over the same span, for all threads of a process.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Collection, Mapping
from typing import Any

import msgspec

PARTITIONS = 8
VALUE_BYTES = 300
PER_EVENT_SHARE = 10
"""Faust per event reads only a tenth of the records, or it would take minutes."""


class Topic(msgspec.Struct, frozen=True):
    name: str
    partitions: int = PARTITIONS
    replication: int = 1
    config: Mapping[str, str] = {}


class Meter:
    """Counts what a peer was given, and ends its run when it has all of it."""

    def __init__(self, expected: int) -> None:
        self.expected, self.records, self.sum, self.batches = expected, 0, 0, 0
        self.began = self.cpu = 0.0
        self.done = asyncio.Event()

    def batch(self, records: Collection[Any]) -> None:
        self.begin()
        self.batches += 1
        self.records += len(records)
        self.sum += sum(int(record.value[:8]) for record in records)
        self.check()

    def single(self, value: bytes) -> None:
        self.begin()
        self.records += 1
        self.sum += int(value[:8])
        self.check()

    def begin(self) -> None:
        if not self.began:
            self.began, self.cpu = time.perf_counter(), time.process_time()

    def check(self) -> None:
        if self.records >= self.expected:
            self.done.set()

    def result(self) -> dict[str, float]:
        seconds, cpu = time.perf_counter() - self.began, time.process_time() - self.cpu
        right = (self.records, self.sum) == (self.expected, self.expected * (self.expected - 1) // 2)
        rate = self.records / seconds
        return {"right": right, "rate": rate, "cpu_us": cpu / self.records * 1e6, "batches": self.batches}


async def raw_loop(kafka: str, topic: str, meter: Meter) -> None:
    from aiokafka import AIOKafkaConsumer

    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=kafka,
        group_id=uuid.uuid4().hex,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        isolation_level="read_committed",
        max_partition_fetch_bytes=2 * 1024 * 1024,
    )
    await consumer.start()
    while not meter.done.is_set():
        for records in (await consumer.getmany(timeout_ms=500, max_records=2000 * PARTITIONS)).values():
            meter.batch(records)
    await consumer.stop()


async def whole_fetches(kafka: str, topic: str, meter: Meter) -> None:
    from app.handover.application import LaneApp

    async def from_the_beginning(_: Collection[Any]) -> Mapping[Any, int]:
        return {}

    app = LaneApp(uuid.uuid4().hex, bootstrap=kafka, batch_topics=[topic], positions=from_the_beginning)

    @app.agent(app.topic(topic), name="bench", concurrency=PARTITIONS)
    async def agent(batches: Any) -> None:
        async for batch in batches:
            meter.batch(batch.records)

    await run(app, meter)


async def per_event(kafka: str, topic: str, meter: Meter) -> None:
    import faust

    from app.handover.settings import faust_settings

    stock = {"Topic": faust.Topic, "Table": faust.Table, "TableManager": faust.tables.TableManager}
    with tempfile.TemporaryDirectory() as folder:  # stock Faust leaves folders where it runs
        app = faust.App(uuid.uuid4().hex, **(faust_settings(kafka, None, folder) | stock))
        source = app.topic(topic, key_type=bytes, value_type=bytes)

        @app.agent(source, name="bench", concurrency=1)
        async def agent(stream: Any) -> None:
            async for value in stream:
                meter.single(value)

        await run(app, meter)


async def run(app: Any, meter: Meter) -> None:
    app.finalize()
    await app.start()
    await meter.done.wait()
    print_result(meter)
    await app.stop()


def print_result(meter: Meter) -> None:
    print("RESULT " + json.dumps(meter.result()), flush=True)


PEERS = {"raw aiokafka getmany": raw_loop, "whole fetches": whole_fetches, "Faust per event": per_event}


async def peer(name: str, kafka: str, topic: str, expected: int) -> None:
    meter = Meter(expected)
    await PEERS[name](kafka, topic, meter)
    if name == "raw aiokafka getmany":
        print_result(meter)


async def fill(kafka: str, records: int) -> str:
    from app.kafka.publisher import Outgoing, Publisher
    from app.kafka.topics_admin import ensure_topics

    topic = f"bench-{uuid.uuid4().hex[:8]}"
    await ensure_topics(kafka, [Topic(topic)])
    publisher = Publisher(kafka)
    for start in range(0, records, 20_000):
        numbers = range(start, min(start + 20_000, records))
        values = [(n % PARTITIONS, (b"%08d" % n).ljust(VALUE_BYTES, b".")) for n in numbers]
        await publisher.publish([Outgoing(topic, partition, b"k", value) for partition, value in values])
    await publisher.stop()
    return topic


def measure(name: str, kafka: str, topic: str, expected: int) -> dict[str, float]:
    command = [sys.executable, "-m", "bench.handover", "--peer", name, "--topic", topic]
    environment = os.environ | {"KAFKA_BOOTSTRAP_SERVERS": kafka}
    done = subprocess.run(
        [*command, "--records", str(expected)],
        env=environment, capture_output=True, text=True, timeout=300, check=True,
    )  # fmt: skip
    line = next(line for line in done.stdout.splitlines() if line.startswith("RESULT "))
    result: dict[str, float] = json.loads(line.removeprefix("RESULT "))
    return result


def report(results: Mapping[str, list[dict[str, float]]]) -> None:
    print(f"{'peer':<24}{'records/s min':>15}{'median':>10}{'max':>10}{'CPU us/record':>15}{'batches':>9}")
    for name, rounds in results.items():
        if not all(result["right"] for result in rounds):
            print(f"{name:<24} wrong sum: no figure")
            continue
        rates = sorted(result["rate"] for result in rounds)
        cpu = statistics.median(result["cpu_us"] for result in rounds)
        batches = statistics.median(result["batches"] for result in rounds)
        middle = statistics.median(rates)
        print(f"{name:<24}{rates[0]:>15,.0f}{middle:>10,.0f}{rates[-1]:>10,.0f}{cpu:>15.2f}{batches:>9,.0f}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--records", type=int, default=400_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peer", choices=PEERS, help=argparse.SUPPRESS)
    parser.add_argument("--topic", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    kafka = os.environ["KAFKA_BOOTSTRAP_SERVERS"]
    if arguments.peer:
        asyncio.run(peer(arguments.peer, kafka, arguments.topic, arguments.records))
        return
    few = arguments.records // PER_EVENT_SHARE
    topics = {
        few: asyncio.run(fill(kafka, few)),
        arguments.records: asyncio.run(fill(kafka, arguments.records)),
    }
    results: dict[str, list[dict[str, float]]] = {name: [] for name in PEERS}
    for _ in range(arguments.rounds):
        for name in random.sample(list(PEERS), len(PEERS)):
            expected = few if name == "Faust per event" else arguments.records
            results[name].append(measure(name, kafka, topics[expected], expected))
    report(results)


if __name__ == "__main__":
    main()
