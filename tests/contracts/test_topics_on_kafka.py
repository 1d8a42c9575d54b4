"""The table's topics on a real broker, under names of their own."""

from __future__ import annotations

import uuid

import msgspec
import pytest

from app.contracts.topics import TopicSpec, specs
from app.kafka.topics_admin import check_topics, ensure_topics

pytestmark = pytest.mark.stack


def renamed(partitions: int) -> list[TopicSpec]:
    prefix = uuid.uuid4().hex[:8]
    return [msgspec.structs.replace(spec, name=f"{prefix}-{spec.name}") for spec in specs(partitions)]


async def test_the_broker_takes_every_topic_as_the_table_says(kafka: str) -> None:
    wanted = renamed(2)
    assert await ensure_topics(kafka, wanted) == [spec.name for spec in wanted]
    assert await check_topics(kafka, wanted) == []
    assert await ensure_topics(kafka, wanted) == []


async def test_a_topic_that_differs_is_named_with_what_differs(kafka: str) -> None:
    (lane, *_) = wanted = renamed(1)
    await ensure_topics(kafka, wanted)
    other = msgspec.structs.replace(lane, partitions=3, config={**lane.config, "retention.ms": "1000"})
    first, second = await check_topics(kafka, [other])
    assert first == f"topic {lane.name} has 1 partitions, expected 3"
    assert second == f"topic {lane.name} has retention.ms=-1, expected 1000"
