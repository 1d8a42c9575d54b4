"""Topics are created once, and every difference from the catalogue is named."""

from __future__ import annotations

import pytest

from app.errors import CatalogueMismatch
from app.kafka.errors import KafkaUnavailable
from app.kafka.topics_admin import check_topics, ensure_topics
from tests.support.topics import Topic, unique
from tests.support.waiting import free_port


async def test_missing_topics_are_created_once(kafka: str) -> None:
    config = {"cleanup.policy": "compact", "message.timestamp.type": "LogAppendTime"}
    specs = [Topic(unique("made"), 3, 1, config), Topic(unique("made"), 1)]
    assert await ensure_topics(kafka, specs) == [spec.name for spec in specs]
    assert await ensure_topics(kafka, specs) == []
    assert await check_topics(kafka, specs) == []


async def test_differences_are_named(kafka: str) -> None:
    name, absent = unique("differs"), unique("absent")
    await ensure_topics(kafka, [Topic(name, 2, 1, {"retention.ms": "1000"})])
    wanted = [Topic(name, 8, 1, {"retention.ms": "-1", "cleanup.policy": "compact"}), Topic(absent)]
    assert await check_topics(kafka, wanted) == [
        f"topic {absent} is missing",
        f"topic {name} has 2 partitions, expected 8",
        f"topic {name} has retention.ms=1000, expected -1",
        f"topic {name} has cleanup.policy=delete, expected compact",
    ]


async def test_what_the_broker_refuses_is_said(kafka: str) -> None:
    name = unique("refused")
    with pytest.raises(CatalogueMismatch, match=f"cannot create topic {name}"):
        await ensure_topics(kafka, [Topic(name, 1, 1, {"cleanup.policy": "sometimes"})])


async def test_nobody_there_is_transient() -> None:
    with pytest.raises(KafkaUnavailable, match="no answer from Kafka"):
        await check_topics(f"127.0.0.1:{free_port()}", [Topic("any")])
