"""What the list of events costs: CPU per event that is moved from `payments.events` to the table.

    python -m bench.events_list [--events 60000] [--merchants 500] [--per-second 0]

It runs the keeper alone, over a log that is there already or grows as fast as asked, with three events per
payment. CPU is this process's and that of all of PostgreSQL's and Kafka's processes; unlike rates it hardly
depends on what else runs. With `--per-second` Kafka's has the writing to the log in it.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from multiprocessing import get_context

from app.contracts.codec import encode
from app.domain.events import PaymentCaptured
from app.domain.streams import PAYMENTS_EVENTS
from app.events_keeper import FETCH_MIN_BYTES, EventsKeeper
from app.kafka.outgoing import Outgoing
from app.kafka.partitioner import partition_for
from app.kafka.publisher import Publisher
from app.kafka.tail import LogTail
from app.store.events import EventRows
from bench.load import PARTITIONS
from bench.servers import Emptied, Servers, servers, until_told
from bench.working import until

PER_PAYMENT = 3
WITHIN_SECONDS = 600.0
SLICE_MS = 20
SIZES = """SELECT pg_table_size('events') AS rows, pg_indexes_size('events') AS indexes"""


def records(count: int, merchants: int) -> list[Outgoing]:
    """As a lane publishes them: ids and numbers grow, payments of many merchants side by side."""
    found = []
    for number in range(count):
        payment = number // PER_PAYMENT
        merchant, payment_id = f"m-{payment % merchants}", f"pay-{payment:08}"
        event = PaymentCaptured(
            id=f"pc.{payment % PARTITIONS}.{number}.0", seq=1 + number % PER_PAYMENT, merchant_id=merchant,
            occurred_at=datetime.now(UTC), amount=1050, currency="EUR", payment_id=payment_id,
            status="captured", transaction_id=f"pc.0.{number}.1", capture_id=payment_id, psp="stripe",
            psp_capture_id=f"ch_{number:024}", platform_fee=31, psp_fee=12, platform_version=3,
            merchant_version=17,
        )  # fmt: skip
        key = f"{merchant}/{payment_id}".encode()
        found.append(Outgoing(PAYMENTS_EVENTS, partition_for(key, PARTITIONS), key, encode(event)))
    return found


def send(kafka: str, count: int, merchants: int, per_second: int) -> None:
    """In slices, as lanes do; run in a process of its own."""

    async def main() -> None:
        publisher, made, began = Publisher(kafka), records(count, merchants), time.perf_counter()
        size = max(1, per_second * SLICE_MS // 1000)
        for first in range(0, count, size):
            await publisher.publish(made[first : first + size])
            await asyncio.sleep(max(0.0, began + first / per_second - time.perf_counter()))
        await publisher.stop()

    asyncio.run(main())


async def measure(running: Servers, count: int, merchants: int, per_second: int) -> None:
    async with running.emptied() as run:
        if per_second:
            sender = get_context("spawn").Process(
                target=send, args=(running.kafka, count, merchants, per_second), daemon=True
            )
            sender.start()
        else:
            await run.send(records(count, merchants))
        before, began = running.cpu(os.getpid()), time.perf_counter()
        await keep(running, run, count)
        seconds = time.perf_counter() - began
        cpu = running.cpu(os.getpid()).per_record(before, count)
        sizes = await run.pool.fetchrow(SIZES)
    print(f"{count:,} events kept in {seconds:.1f} s, {count / seconds:,.0f} per second")
    print(f"CPU us per event: worker {cpu.worker:.0f}, database {cpu.postgres:.0f}, broker {cpu.broker:.0f}")
    print(f"bytes per event: table {sizes['rows'] / count:.0f}, indexes {sizes['indexes'] / count:.0f}")


async def keep(running: Servers, run: Emptied, count: int) -> None:
    """Until all are in the table. Their number is looked up by the positions: counting rows would cost."""

    def tail_of(partitions: Sequence[int]) -> LogTail:
        return LogTail(
            running.kafka,
            PAYMENTS_EVENTS,
            client_id="bench",
            partitions=partitions,
            fetch_min_bytes=FETCH_MIN_BYTES,
        )

    keeper = EventsKeeper(tail_of, EventRows(run.pool))
    keeper.assigned(range(PARTITIONS))
    task = asyncio.create_task(keeper.run())
    try:
        await until(lambda: is_kept(run, count), WITHIN_SECONDS, "all events to be kept")
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    if (found := await run.pool.fetchval("SELECT count(*) FROM events")) != count:
        raise SystemExit(f"{found} events instead of {count}")


async def is_kept(run: Emptied, count: int) -> bool:
    kept: int | None = await run.pool.fetchval("SELECT sum(next_offset)::bigint FROM event_positions")
    return kept == count


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--events", type=int, default=60_000)
    parser.add_argument("--merchants", type=int, default=500)
    parser.add_argument("--per-second", type=int, default=0, help="0: the log is there already")
    given = parser.parse_args()
    with servers() as running:
        until_told(measure(running, given.events, given.merchants, given.per_second))


if __name__ == "__main__":
    main()
