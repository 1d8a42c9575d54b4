"""Fresh topics for a test, and records to fill them with."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from aiokafka.admin import AIOKafkaAdminClient

from app.kafka.publisher import Outgoing
from app.kafka.topics_admin import TopicSpec, ensure_topics

APPEND_TIME = {"message.timestamp.type": "LogAppendTime"}
DELETE_SECONDS = 60.0


class Topic(msgspec.Struct, frozen=True):
    name: str
    partitions: int = 1
    replication: int = 1
    config: Mapping[str, str] = {}


def unique(prefix: str) -> str:
    return f"{prefix}-{uuid.uuid4().hex[:10]}"


async def fresh_topic(kafka: str, prefix: str, partitions: int = 1, **config: str) -> str:
    """The name of a topic that did not exist; `config` names have _ for each dot."""
    given = {name.replace("_", "."): value for name, value in config.items()}
    spec: TopicSpec = Topic(unique(prefix), partitions, 1, APPEND_TIME | given)
    assert await ensure_topics(kafka, [spec]) == [spec.name]
    return spec.name


async def make_anew(kafka: str, specs: Sequence[TopicSpec]) -> None:
    """Delete the topics, with all that is in them, and create them."""
    names = {spec.name for spec in specs}
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        if there := names & set(await admin.list_topics()):
            await admin.delete_topics(sorted(there))
            await _until_gone(admin, there)
    finally:
        await admin.close()
    assert set(await ensure_topics(kafka, specs)) == names


async def _until_gone(admin: Any, names: set[str]) -> None:
    async with asyncio.timeout(DELETE_SECONDS):
        while True:
            if not names & set(await admin.list_topics()):
                return
            await asyncio.sleep(0.05)


def numbered(topic: str, partition: int, count: int, start: int = 0, size: int = 0) -> list[Outgoing]:
    """Records whose value is their running number, padded to `size` bytes."""
    numbers = range(start, start + count)
    return [Outgoing(topic, partition, b"k", (b"%d " % n).ljust(size, b".")) for n in numbers]


def numbers_in(records: list[object]) -> list[int]:
    """The running numbers of `numbered` records."""
    return [int(record.value.split()[0]) for record in records]  # type: ignore[attr-defined]
