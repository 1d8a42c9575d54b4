"""The alerts lane: who is told of what."""

from collections.abc import AsyncIterable

from app.domain.streams import ALERTS_COMMANDS
from app.handover.batch import Batch
from app.worker import app, runtime, settings


@app.agent(app.topic(ALERTS_COMMANDS), name="alerts", concurrency=settings.partitions)
async def alerts(batches: AsyncIterable[Batch]) -> None:
    """Hands each whole fetch to its partition's lane; decisions are in `app/domain`."""
    async for batch in batches:
        await runtime.process(batch)
