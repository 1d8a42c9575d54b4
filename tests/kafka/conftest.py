"""A publisher and a reader on the run's Kafka."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from app.kafka.publisher import Publisher
from app.kafka.reader import RangeReader


@pytest.fixture
async def publisher(kafka: str) -> AsyncIterator[Publisher]:
    publisher = Publisher(kafka)
    await publisher.start()
    yield publisher
    await publisher.stop()


@pytest.fixture
async def reader(kafka: str) -> AsyncIterator[RangeReader]:
    reader = RangeReader(kafka)
    yield reader
    await reader.stop()
