"""The settlements door: lines as sources write them, on their way to the matching lane."""

from collections.abc import AsyncIterable

from app.domain.streams import SETTLEMENTS_LINES
from app.handover.batch import Batch
from app.worker import app, runtime, settings


@app.agent(app.topic(SETTLEMENTS_LINES), name="settlements", concurrency=settings.partitions)
async def settlements(batches: AsyncIterable[Batch]) -> None:
    """Hands each whole fetch to its partition's lane; decisions are in `app/domain`."""
    async for batch in batches:
        await runtime.process(batch)
