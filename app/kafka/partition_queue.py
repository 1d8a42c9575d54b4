"""What waits to be sent to one partition: one record batch is under way at a time, the next one gathers.

aiokafka takes one waiting batch per partition; several callers that each bring their own starve one another
there until it reports a time-out that was none. Here they share batches.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from app.kafka.outgoing import Outgoing

NewBatch = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[int]]
_NO_HEADERS: list[tuple[str, bytes]] = []


class _Group:
    """The records of one call for this partition, and the future that call waits for."""

    def __init__(self, records: Sequence[Outgoing]) -> None:
        self.records = records
        self.taken = 0
        self.last = 0
        """Place of the last record taken within its batch."""
        self.acknowledged: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    @property
    def is_over(self) -> bool:
        """All sent, or failed, or its caller has given up."""
        return self.acknowledged.done() or self.taken == len(self.records)


class PartitionQueue:
    """`new_batch` makes an empty record batch; `send` raises, or returns its first offset once acknowledged.

    The offset is negative where the broker knows only that it has the batch already.
    """

    def __init__(self, new_batch: NewBatch, send: Send) -> None:
        self._new_batch, self._send = new_batch, send
        self._waiting: deque[_Group] = deque()
        self._sending: asyncio.Task[None] | None = None

    def put(self, records: Sequence[Outgoing]) -> asyncio.Future[int]:
        """Done when all records are acknowledged, with the offset of the last one.

        Cancel it, and what is not under way yet is not sent.
        """
        group = _Group(records)
        self._waiting.append(group)
        if self._sending is None or self._sending.done():
            self._sending = asyncio.create_task(self._run())
        return group.acknowledged

    async def _run(self) -> None:
        while self._waiting:
            groups: list[_Group] = []
            try:
                batch = await self._new_batch()
                groups = self._fill(batch)
                first = await self._send(batch) if groups else 0
            except Exception as error:
                self._fail(groups or list(self._waiting), error)
            else:
                _acknowledge(groups, first)

    def _fill(self, batch: Any) -> list[_Group]:
        """Packs as much as fits, in order; returns the groups that have records in it."""
        packed: list[_Group] = []
        place = -1
        while self._waiting:
            group = self._waiting[0]
            before = group.taken
            full = not group.is_over and not _pack(batch, group)
            if group.taken > before:
                place += group.taken - before
                group.last = place
                packed.append(group)
            if full:
                break
            self._waiting.popleft()
        return packed

    def _fail(self, groups: list[_Group], error: Exception) -> None:
        """The rest of a failed group is not sent: its caller sends all of it again, in order."""
        for group in groups:
            if not group.acknowledged.done():
                group.acknowledged.set_exception(error)
        while self._waiting and self._waiting[0].is_over:
            self._waiting.popleft()


def _pack(batch: Any, group: _Group) -> bool:
    """False when the batch is full."""
    for record in group.records[group.taken :] if group.taken else group.records:
        headers = list(record.headers) if record.headers else _NO_HEADERS
        if batch.append(timestamp=None, key=record.key, value=record.value, headers=headers) is None:
            return False
        group.taken += 1
    return True


def _acknowledge(groups: list[_Group], first: int) -> None:
    for group in groups:
        if group.is_over and not group.acknowledged.done():
            group.acknowledged.set_result(first + group.last if first >= 0 else -1)
