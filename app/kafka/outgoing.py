"""A record to publish."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

RECORD_OVERHEAD_BYTES = 100


class Outgoing(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One record to publish. `value` None is a tombstone; key and value may not both be None.

    An array on the wire of the outbox (`app/lane/outgoing.py`): its fields in this order are a data format.
    """

    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]] = ()

    @property
    def size(self) -> int:
        """Bytes that count against the broker's limit, header fields included."""
        size = RECORD_OVERHEAD_BYTES + len(self.key or b"") + len(self.value or b"")
        for name, value in self.headers:
            size += len(name) + len(value) + 10
        return size
