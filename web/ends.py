"""Where the logs end, asked by one task for the whole process; Kafka may be away for as long as it likes."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Collection
from typing import Final, Protocol

from app.store.api import LaneId

INTERVAL_SECONDS: Final = 1.0
ANSWER_WITHIN_SECONDS: Final = 5.0
TOO_OLD_SECONDS: Final = 10.0
"""Ends older than this are not shown: a lag computed from them would be a guess."""

log: Final = logging.getLogger(__name__)


class Reader(Protocol):
    """The part of `app.kafka.reader.RangeReader` that is used here."""

    async def end_offsets(self, partitions: Collection[tuple[str, int]]) -> dict[tuple[str, int], int]: ...

    async def stop(self) -> None: ...


class EndOffsets:
    """The last known ends and their age. Without a reader (no Kafka configured) there are never any."""

    def __init__(self, reader: Reader | None) -> None:
        self._reader = reader
        self._lanes: tuple[LaneId, ...] = ()
        self._ends: dict[LaneId, int] = {}
        self._read_at: float | None = None
        self._failing = False

    def watch(self, lanes: Collection[LaneId]) -> None:
        """The partitions to ask about from now on."""
        self._lanes = tuple(lanes)

    @property
    def age_seconds(self) -> float | None:
        """Since the last answer; None: there was none yet."""
        return None if self._read_at is None else time.monotonic() - self._read_at

    def get(self, lane: LaneId) -> int | None:
        """The offset after the last record, None while it is not known well enough."""
        age = self.age_seconds
        return None if age is None or age > TOO_OLD_SECONDS else self._ends.get(lane)

    async def run(self) -> None:
        """Ask for ever; ends by being cancelled."""
        if self._reader is None:
            return
        try:
            while True:
                await self._ask(self._reader)
                await asyncio.sleep(INTERVAL_SECONDS)
        finally:
            await self._reader.stop()

    async def _ask(self, reader: Reader) -> None:
        if not self._lanes:
            return
        try:
            async with asyncio.timeout(ANSWER_WITHIN_SECONDS):
                ends = await reader.end_offsets(self._lanes)
        except Exception as error:  # whatever it is, the web must go on without these figures
            if not self._failing:
                log.warning("Kafka does not say where its logs end: %r", error)
            self._failing = True
            return
        self._failing = False
        self._ends = {LaneId(*lane): end for lane, end in ends.items()}
        self._read_at = time.monotonic()
