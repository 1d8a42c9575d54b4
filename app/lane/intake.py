"""From raw log records to what the lane decides on: decoding, the key check, re-routing.

Bytes that do not decode become a dead letter whose reason names the field. A record whose key does not
hash to this partition, or is not its own, is forwarded once with the same id; wrong again: a dead letter.
"""

from collections.abc import Sequence
from typing import Any, Final

from app.contracts.codec import Undecodable, content_hash
from app.kafka.partitioner import partition_for
from app.kafka.publisher import Outgoing
from app.lane.ports import LogRecord, Rules
from app.store.api import LaneId

FORWARDED: Final = "tallystick-forwarded"
REDRIVEN: Final = "tallystick-redriven"


class Entry:
    """One record of a batch on its way through the lane; `command` is None for dead letters and forwards."""

    __slots__ = ("command", "corrects", "dead", "forward", "hash", "id", "key", "offset", "reason", "record")

    def __init__(self, record: LogRecord) -> None:
        self.record = record
        self.offset = record.offset
        self.command: Any = None
        self.key = ""
        self.id = ""
        self.hash = b""
        self.corrects = False
        self.dead: str | None = None
        self.reason: str | None = None
        self.forward: Outgoing | None = None

    def bury(self, reason: str) -> None:
        """Make it a dead letter; the database, which may refuse its very id, is asked nothing about it."""
        self.dead, self.forward, self.command = reason, None, None


def take_in(records: Sequence[LogRecord], lane: LaneId, rules: Rules, partitions: int) -> list[Entry]:
    """Decode and route one batch; `partitions` is the topic's count."""
    return [_take(record, lane, rules, partitions) for record in records]


def _take(record: LogRecord, lane: LaneId, rules: Rules, partitions: int) -> Entry:
    entry = Entry(record)
    try:
        command = rules.decode(record.value)
    except Undecodable as error:
        entry.dead = str(error)
        return entry
    if rules.is_door:
        entry.command = command
        entry.key = (record.key or b"").decode("utf-8", "replace")
        entry.id = f"{lane.partition}/{record.offset}"
        entry.hash = content_hash(command)
        return entry
    key = rules.record_key(command)
    if key is None:
        entry.key = f"{lane.partition}"
    else:
        wanted = key.encode()
        if record.key != wanted or partition_for(wanted, partitions) != lane.partition:
            _reroute(entry, lane, wanted, partitions)
            return entry
        entry.key = key
    entry.command = command
    entry.id = command.id  # type: ignore[attr-defined]
    entry.hash = content_hash(command)
    return entry


def _reroute(entry: Entry, lane: LaneId, wanted: bytes, partitions: int) -> None:
    record = entry.record
    if any(name == FORWARDED for name, _ in record.headers):
        entry.dead = f"wrong_key: still not under key {wanted.decode()!r} after being forwarded"
        return
    headers = (*record.headers, (FORWARDED, str(lane).encode()))
    entry.forward = Outgoing(
        lane.topic, partition_for(wanted, partitions), wanted, record.value, tuple(headers)
    )
