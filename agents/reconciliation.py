"""The reconciliation lane: schedules, runs, and what they found."""

from collections.abc import AsyncIterable

from app.domain.streams import RECONCILIATION_COMMANDS
from app.handover.batch import Batch
from app.worker import app, runtime, settings


@app.agent(app.topic(RECONCILIATION_COMMANDS), name="reconciliation", concurrency=settings.partitions)
async def reconciliation(batches: AsyncIterable[Batch]) -> None:
    """Hands each whole fetch to its partition's lane; decisions are in `app/domain`."""
    async for batch in batches:
        await runtime.process(batch)
