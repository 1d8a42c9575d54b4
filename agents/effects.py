"""The effects lane: what leaves the program, and what came of it."""

from collections.abc import AsyncIterable

from app.domain.streams import EFFECTS_REQUESTS
from app.handover.batch import Batch
from app.worker import app, runtime, settings


@app.agent(app.topic(EFFECTS_REQUESTS), name="effects", concurrency=settings.partitions)
async def effects(batches: AsyncIterable[Batch]) -> None:
    """Hands each whole fetch to its partition's lane; decisions are in `app/domain`."""
    async for batch in batches:
        await runtime.process(batch)
