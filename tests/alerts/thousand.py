"""A thousand planted critical exceptions, channels that fail 30 % of the time, a worker killed on the way.

    python -m tests.alerts.thousand [--count 1000] [--seed 1]

Kafka, PostgreSQL and workers of its own in a temporary folder. Ends with 0 only where every alert key reached
both channels, no repeat is unexplained, and nothing was given up.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

from app.contracts.topics import specs
from app.kafka.reader import RangeReader
from app.stack.local import LocalStack
from app.store.pool import open_pool
from tests.alerts.planting import Figures, run, sinking
from tests.effects.workers import Workers
from tests.support.databases import copied_database, make_template
from tests.support.guard import guarded
from tests.support.live import PARTITIONS, Live
from tests.support.topics import make_anew

WITHIN_SECONDS = 600.0


async def measured(stack: LocalStack, folder: Path, count: int, seed: int) -> Figures:
    kafka, dsn = stack.addresses.kafka_bootstrap_servers, stack.addresses.database_url
    template = await make_template(dsn)
    await make_anew(kafka, specs(PARTITIONS))
    async with copied_database(dsn, template) as database, AsyncExitStack() as opened:
        pool = await open_pool(database, 2, "thousand")
        opened.push_async_callback(pool.close)
        reader = RangeReader(kafka, client_id="thousand")
        opened.push_async_callback(reader.stop)
        live = Live(kafka, database, folder, pool, reader)
        opened.push_async_callback(live.close)
        workers = Workers(live, folder)
        opened.callback(workers.end)
        sink = await opened.enter_async_context(sinking(seed))
        return await run(live, workers, sink, count, WITHIN_SECONDS)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--count", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="tallystick-alerts-") as folder,
        guarded(LocalStack(Path(folder, "stack"))) as stack,
    ):
        try:
            stack.up()
            figures = asyncio.run(measured(stack, Path(folder), options.count, options.seed))
        finally:
            stack.remove()
    print(figures)
    whole = figures.keys == figures.by_slack == figures.by_mail == options.count
    return 0 if whole and not figures.unexplained and not figures.dead else 1


if __name__ == "__main__":
    sys.exit(main())
