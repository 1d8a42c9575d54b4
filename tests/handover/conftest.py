"""Members of a group that are stopped when the test ends, and a publisher for the load."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from app.handover.application import LaneApp
from app.kafka.publisher import Publisher
from tests.handover.members import started

Start = Callable[[LaneApp], Awaitable[LaneApp]]


@pytest.fixture
async def publisher(kafka: str) -> AsyncIterator[Publisher]:
    publisher = Publisher(kafka)
    await publisher.start()
    yield publisher
    await publisher.stop()


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """Starts a member, returns it when its records flow, stops it at the end."""
    running: list[LaneApp] = []

    async def start_one(app: LaneApp) -> LaneApp:
        running.append(app)
        return await started(app)

    yield start_one
    await asyncio.gather(*(app.stop() for app in running if not app.should_stop))
