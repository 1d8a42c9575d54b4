"""Decide the lanes' logs again from offset 0 into an empty database, and compare it with another."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any, NoReturn

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TimeRemainingColumn
from rich.text import Text

from app.bootstrap import partition_counts
from app.contracts.topics import specs
from app.errors import CatalogueMismatch, FailStop
from app.garbage import collect_by_the_clock
from app.kafka.publisher import Outgoing
from app.kafka.reader import RangeReader
from app.kafka.topics_admin import check_topics
from app.lane import replay
from app.lane.catalogue import OWNER_LANES, RULES
from app.lane.lanes import Lanes
from app.lane.ports import Deps
from app.lane.ports import Settings as LaneSettings
from app.settings import Settings, database_url, load_settings
from app.store.api import LaneId
from app.store.compare import Difference, compare
from app.store.migrate import migrate
from app.store.pool import open_pool
from app.store.postgres import PostgresStore

DIFFERENT = 1
ANSWER_SECONDS = 60.0


@click.command()
@click.option(
    "--from",
    "start",
    type=click.Choice(["0"]),
    required=True,
    help="State can be rebuilt from the beginning only.",
)
@click.option("--database-url", "target", help="The empty database to write to.  [default: DATABASE_URL]")
@click.option("--compare", "other", help="DSN of the database whose books the result has to equal.")
@click.pass_context
def command(ctx: click.Context, start: str, target: str | None, other: str | None) -> None:
    """Rebuild all books from the lanes' logs; nothing is published.

    Ends with 1 where --compare finds a difference.
    """
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    console, settings = Console(), load_settings()
    target = target or database_url()
    records, seconds = asyncio.run(_replay(settings, target, console))
    rate = records / max(seconds, 1e-9)
    console.print(f"{records:,} records in {seconds:.1f} s, {rate:,.0f} per second", highlight=False)
    if other is None:
        return
    differences = asyncio.run(compare(other, target, OWNER_LANES))
    for difference in differences:
        console.print(_sentence(difference), highlight=False)
    equal = all(difference.equal for difference in differences)
    console.print("[green]the books are equal[/]" if equal else "[bold red]the books differ[/]")
    ctx.exit(0 if equal else DIFFERENT)


async def _replay(settings: Settings, target: str, console: Console) -> tuple[int, float]:
    """Returns the number of records and the seconds that deciding them took."""
    await _check_topics(settings)
    await migrate(target)
    owners = [LaneId(topic, n) for topic in OWNER_LANES for n in range(settings.partitions)]
    doors = [
        LaneId(topic, n) for topic in RULES if topic not in OWNER_LANES for n in range(settings.partitions)
    ]
    async with AsyncExitStack() as closing:
        garbage = asyncio.create_task(collect_by_the_clock())
        closing.callback(garbage.cancel)
        pool = await open_pool(target, settings.database_connections, "tallystick-replay")
        closing.push_async_callback(pool.close)
        reader = LaneReaders(settings.kafka_bootstrap_servers, owners)
        closing.push_async_callback(reader.stop)
        store = PostgresStore(pool)
        ends = await replay.check_replayable(store, reader, owners)
        lanes = Lanes(RULES, _deps(settings, store, reader))
        started = time.monotonic()
        with _progress(console) as bar:
            task = bar.add_task("replaying", total=sum(ends.values()))
            await replay.replay(lanes, ends, Advance(bar, task))
        seconds = time.monotonic() - started
        await replay.start_doors_at_their_logs(store, reader, doors)
        return sum(lane.stats.records for lane in lanes.started().values()), seconds


async def _check_topics(settings: Settings) -> None:
    """Other partition counts would send the records of one key to different lanes."""
    wanted = [spec for spec in specs(settings.partitions) if spec.name in RULES]
    if differences := await check_topics(settings.kafka_bootstrap_servers, wanted):
        raise CatalogueMismatch("; ".join(differences))


def _deps(settings: Settings, store: PostgresStore, reader: LaneReaders) -> Deps:
    return Deps(
        store=store,
        reader=reader,
        publisher=NoPublisher(),
        tables=replay.NoTables(),
        partitions=partition_counts(settings),
        leave=_leave,
        sleep=asyncio.sleep,
        monotonic=time.monotonic,
        settings=LaneSettings(batch_max_records=settings.batch_max_records, publish=False),
    )


def _leave(reason: str) -> NoReturn:
    """A broken invariant ends the replay; the database keeps what was decided before it."""
    raise FailStop(reason)


class NoPublisher:
    """What the lanes sent lies in the logs already."""

    async def publish(self, records: Sequence[Outgoing]) -> None:
        raise FailStop(f"a replay publishes nothing, but was asked to publish {len(records)} records")


class LaneReaders:
    """A reader per partition, so that each reads on where it stands while all are read side by side."""

    def __init__(self, bootstrap: str, lanes: Collection[LaneId]) -> None:
        self._offsets = _reader(bootstrap, "tallystick-replay")
        self._readers = {
            lane: _reader(bootstrap, f"tallystick-replay-{lane.topic}-{lane.partition}") for lane in lanes
        }

    async def read(
        self, topic: str, partition: int, start: int, upto: int, max_records: int
    ) -> tuple[list[Any], int]:
        reader = self._readers[LaneId(topic, partition)]
        return await reader.read(topic, partition, start, upto, max_records)

    async def begin_offsets(self, partitions: Collection[tuple[str, int]]) -> Mapping[tuple[str, int], int]:
        return await self._offsets.begin_offsets(partitions)

    async def end_offsets(self, partitions: Collection[tuple[str, int]]) -> Mapping[tuple[str, int], int]:
        return await self._offsets.end_offsets(partitions)

    async def stop(self) -> None:
        await asyncio.gather(self._offsets.stop(), *(reader.stop() for reader in self._readers.values()))


def _reader(bootstrap: str, client_id: str) -> RangeReader:
    """Patient: an answer may wait while the other lanes decide, which they do on the same thread."""
    return RangeReader(bootstrap, client_id=client_id, readers=1, timeout_seconds=ANSWER_SECONDS)


class Advance:
    """Tells the bar how far each lane has come."""

    def __init__(self, bar: Progress, task: Any) -> None:
        self._bar = bar
        self._task = task
        self._reached: dict[LaneId, int] = {}

    def __call__(self, lane: LaneId, upto: int) -> None:
        self._bar.advance(self._task, upto - self._reached.get(lane, 0))
        self._reached[lane] = upto


class RateColumn(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.finished_speed or task.speed or 0:,.0f} records/s")


def _progress(console: Console) -> Progress:
    return Progress(
        "[progress.description]{task.description}",
        BarColumn(),
        MofNCompleteColumn(),
        RateColumn(),
        TimeRemainingColumn(),
        console=console,
    )


def _sentence(found: Difference) -> str:
    if found.equal:
        return f"{found.table:<22} {found.left_rows:>10,} rows, equal"
    rows = f"{found.left_rows:,} and {found.right_rows:,} rows"
    return f"[bold red]{found.table:<22} {rows:>10}, different:[/] {'; '.join(found.examples)}"
