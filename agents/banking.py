"""The banking lane: what banks say came in and went out."""

from collections.abc import AsyncIterable

from app.domain.streams import BANKING_COMMANDS
from app.handover.batch import Batch
from app.worker import app, runtime, settings


@app.agent(app.topic(BANKING_COMMANDS), name="banking", concurrency=settings.partitions)
async def banking(batches: AsyncIterable[Batch]) -> None:
    """Hands each whole fetch to its partition's lane; decisions are in `app/domain`."""
    async for batch in batches:
        await runtime.process(batch)
