"""A peer: the same lanes, tables and database behind Faust's own stream, which delivers event by event.

    python -m bench.per_event

Streams and offsets are stock Faust's; `noack_take` gathers events into lists, which go to the same `Lane`s as
in the product. The watchdog is kept from helping: it would read the log past Faust.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import types
from collections import defaultdict
from collections.abc import Collection
from typing import Any, NamedTuple

from app.bootstrap import Runtime
from app.contracts.topics import APP_ID
from app.handover.application import LaneApp
from app.lane.catalogue import RULES
from app.settings import load_settings
from app.store.api import LaneId

MOST_EVENTS = 500
WITHIN_SECONDS = 0.02
SINGLES = 4096


class Record(NamedTuple):
    """An event's message as the lanes read it; Faust's timestamp is in seconds."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]


def record_of(message: Any) -> Record:
    moment = round(message.timestamp * 1000)
    return Record(message.offset, moment, message.key, message.value, tuple(message.headers or ()))


settings = load_settings()
runtime = Runtime(settings)


def own_everything(_: Collection[Any]) -> None:
    lanes = [LaneId(topic, number) for topic in RULES for number in range(settings.partitions)]
    runtime.assigned(lanes)


async def no_positions(_: Collection[Any]) -> dict[Any, int]:
    return {}


app = LaneApp(
    APP_ID,
    bootstrap=settings.kafka_bootstrap_servers,
    batch_topics=(),
    positions=no_positions,
    publisher=runtime.publisher,
    reader=runtime.reader,
    on_assigned=own_everything,
    instance_id=settings.worker_id,
    data_dir=str(settings.data_dir),
    broker_session_timeout=settings.session_timeout_seconds,
    broker_heartbeat_interval=settings.heartbeat_seconds,
    stream_buffer_maxsize=SINGLES,
)


async def process(events: list[Any]) -> None:
    lanes: dict[LaneId, list[Record]] = defaultdict(list)
    for event in events:
        message = event.message
        lanes[LaneId(message.topic, message.partition)].append(record_of(message))
    await asyncio.gather(*(runtime.lanes[lane].process(records) for lane, records in lanes.items()))
    for event in events:
        event.ack()


async def work(stream: Any) -> None:
    async for events in stream.noack_take(MOST_EVENTS, within=WITHIN_SECONDS):
        await process(events)


for name in RULES:
    app.agent(app.topic(name, key_type=bytes, value_type=bytes), name=name, concurrency=1)(work)


async def live() -> None:
    stand_in = types.ModuleType("app.worker")
    stand_in.app, stand_in.settings, stand_in.runtime = app, settings, runtime  # type: ignore[attr-defined]
    sys.modules["app.worker"] = stand_in  # the tables are declared on the app of that module
    from tables.catalogue import FaustTables

    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    await runtime.start(FaustTables(dedup=settings.dedup_table))
    await app.start()
    await stop.wait()
    await app.stop()
    await runtime.stop()


if __name__ == "__main__":
    asyncio.run(live())
