"""Sends the records of a file, chunk by chunk: acknowledged by all replicas before the next one goes.

What was sent twice is one record: ids come from the source and the line, so a run that was cut off anywhere
is simply run again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any, Final

from app.contracts.codec import encode
from app.contracts.source_targets import TOPIC_OF
from app.contracts.topics import specs
from app.errors import CatalogueMismatch, Transient
from app.formats.reading import RAW_CHARACTERS, Reading, Row
from app.formats.totals import Totals
from app.kafka.errors import RecordTooLarge
from app.kafka.partitioner import partition_for
from app.kafka.publisher import Outgoing, Publisher, check_size
from app.kafka.topics_admin import check_topics
from app.settings import Settings
from app.store.files import FileKey, QuarantinedRow, quarantine_rows
from app.store.row_numbers import RowNumbers

CHUNK_ROWS: Final = 2_000
PATIENCE_SECONDS: Final = 60.0
"""A broker that is away for less is waited for."""
PAUSE_SECONDS: Final = 1.0

Chunk = Sequence[tuple[Row, Outgoing | None]]
Tell = Callable[[int], None]


class Sender:
    """One run on one file."""

    def __init__(
        self, settings: Settings, pool: Any, reading: Reading, key: FileKey, totals: Totals, tell: Tell
    ) -> None:
        self._settings, self._pool, self._reading, self._key = settings, pool, reading, key
        self._totals, self._tell = totals, tell
        self._topic = TOPIC_OF[reading.file.holds]

    async def send(self, started: Any) -> None:
        """Raises Transient where Kafka or PostgreSQL stays away, CatalogueMismatch for a wrong topic."""
        settings = self._settings
        wanted = [spec for spec in specs(settings.partitions) if spec.name == self._topic]
        if differences := await check_topics(settings.kafka_bootstrap_servers, wanted):
            raise CatalogueMismatch("; ".join(differences))
        publisher = Publisher(settings.kafka_bootstrap_servers, client_id="tallystick-ingest")
        try:
            with RowNumbers() as numbers:
                await self._send_all(publisher, self._chunks(numbers), started)
        finally:
            await publisher.stop()

    async def _send_all(self, publisher: Publisher, chunks: Iterator[Chunk], started: Any) -> None:
        """While one chunk is on its way the next one is read, by a thread that no cancellation can stop."""
        reading = asyncio.ensure_future(asyncio.to_thread(next, chunks, None))
        try:
            while (chunk := await asyncio.shield(reading)) is not None:
                reading = asyncio.ensure_future(asyncio.to_thread(next, chunks, None))
                await self._send_chunk(publisher, chunk, started)
        finally:
            await asyncio.wait({reading})

    async def _send_chunk(self, publisher: Publisher, chunk: Chunk, started: Any) -> None:
        bad = [
            QuarantinedRow(row.number, row.line, row.problem, row.raw)
            for row, _ in chunk
            if row.problem is not None
        ]
        if bad:
            await quarantine_rows(self._pool, self._key, started, bad)
        await _publish(publisher, [outgoing for _, outgoing in chunk if outgoing is not None])
        for row, _ in chunk:
            self._totals.add(row)
        self._tell(len(chunk))

    def _chunks(self, numbers: RowNumbers) -> Iterator[Chunk]:
        rows = (self._packed(row) for row in self._reading.read(numbers.next))
        while chunk := list(islice(rows, CHUNK_ROWS)):
            yield chunk

    def _packed(self, row: Row) -> tuple[Row, Outgoing | None]:
        if row.record is None:
            return row, None
        key = self._key_of(row.record).encode()
        partition = partition_for(key, self._settings.partitions)
        outgoing = Outgoing(self._topic, partition, key, encode(row.record))
        try:
            check_size(outgoing)
        except RecordTooLarge as error:
            raw = (outgoing.value or b"").decode()[:RAW_CHARACTERS]
            return Row(row.number, row.line, None, problem=str(error), raw=raw), None
        return row, outgoing

    def _key_of(self, record: Any) -> str:
        match self._reading.file.holds:
            case "settlement":
                return f"{record.source}/{record.batch_id}"
            case "payments":
                return str(record.merchant_id)
            case _:
                return str(record.account)


async def _publish(publisher: Publisher, records: Sequence[Outgoing]) -> None:
    """The same records again until they are acknowledged, for as long as patience lasts."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            await publisher.publish(records)
        except Transient:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(PAUSE_SECONDS)
        else:
            return
