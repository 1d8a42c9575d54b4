"""The webhook door: PSPs' requests as they came, on their way to the lanes as facts."""

from collections.abc import AsyncIterable

from app.domain.streams import PSP_WEBHOOKS
from app.handover.batch import Batch
from app.worker import app, runtime, settings


@app.agent(app.topic(PSP_WEBHOOKS), name="webhooks", concurrency=settings.partitions)
async def webhooks(batches: AsyncIterable[Batch]) -> None:
    """Hands each whole fetch to its partition's lane; what a PSP says is read in `app/psp`."""
    async for batch in batches:
        await runtime.process(batch)
