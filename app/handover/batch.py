"""What an agent receives: everything that one fetch brought for one partition."""

from __future__ import annotations

from typing import Any

import msgspec


class Batch(msgspec.Struct, frozen=True, eq=False, weakref=True):
    """Records of one partition in the order of their offsets, at least one.

    `records` are aiokafka's `ConsumerRecord`s: offset, timestamp (epoch milliseconds), key, value, headers.
    Offsets rise, but may have gaps where the log holds none (transaction markers). `generation` is that of
    the consumer group when they were fetched; since an older one the partition may have changed hands.
    """

    topic: str
    partition: int
    records: list[Any]
    generation: int

    @property
    def first_offset(self) -> int:
        return int(self.records[0].offset)

    @property
    def last_offset(self) -> int:
        return int(self.records[-1].offset)

    def __len__(self) -> int:
        return len(self.records)

    def __repr__(self) -> str:
        return f"<Batch {self.topic}:{self.partition} [{self.first_offset}, {self.last_offset}]>"
