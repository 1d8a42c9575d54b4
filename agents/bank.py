"""The bank door: statement lines as sources write them, on their way to the banking lane."""

from collections.abc import AsyncIterable

from app.domain.streams import BANK_LINES
from app.handover.batch import Batch
from app.worker import app, runtime, settings


@app.agent(app.topic(BANK_LINES), name="bank", concurrency=settings.partitions)
async def bank(batches: AsyncIterable[Batch]) -> None:
    """Hands each whole fetch to its partition's lane; decisions are in `app/domain`."""
    async for batch in batches:
        await runtime.process(batch)
