"""The matching lane: what PSPs should settle against what they say they settled."""

from collections.abc import AsyncIterable

from app.domain.streams import MATCHING_COMMANDS
from app.handover.batch import Batch
from app.worker import app, runtime, settings


@app.agent(app.topic(MATCHING_COMMANDS), name="matching", concurrency=settings.partitions)
async def matching(batches: AsyncIterable[Batch]) -> None:
    """Hands each whole fetch to its partition's lane; decisions are in `app/domain`."""
    async for batch in batches:
        await runtime.process(batch)
