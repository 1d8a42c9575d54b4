"""The merchant lane: payments, refunds, payouts, wallets."""

from collections.abc import AsyncIterable

from app.domain.streams import PAYMENTS_COMMANDS
from app.handover.batch import Batch
from app.worker import app, runtime, settings


@app.agent(app.topic(PAYMENTS_COMMANDS), name="payments", concurrency=settings.partitions)
async def payments(batches: AsyncIterable[Batch]) -> None:
    """Hands each whole fetch to its partition's lane; decisions are in `app/domain`."""
    async for batch in batches:
        await runtime.process(batch)
