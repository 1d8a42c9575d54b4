"""What a lane needs of the world besides the store; the simulator passes its own."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, NoReturn, Protocol

import msgspec

from app.domain.decision import Draft, Refused
from app.domain.state import Ref
from app.kafka.publisher import Outgoing
from app.store.api import LaneId, Store, Versioned


class LogRecord(Protocol):
    """A record as the consumer fetched it; `timestamp` is the broker's append time in epoch milliseconds."""

    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Sequence[tuple[str, bytes]]: ...


class LogReader(Protocol):
    """Reads the log past the framework, for holes and tails."""

    async def read(
        self, topic: str, partition: int, start: int, upto: int, max_records: int
    ) -> tuple[Sequence[LogRecord], int]:
        """Records of [start, upto) and the offset up to which the range is covered by them.

        Raises LogTruncated where the log begins after `start`, Transient where the broker does not answer.
        """
        ...

    async def end_offsets(self, partitions: Collection[tuple[str, int]]) -> Mapping[tuple[str, int], int]:
        """Per (topic, partition) the offset after its last committed record."""
        ...


class Publishes(Protocol):
    async def publish(self, records: Sequence[Outgoing]) -> None:
        """Returns when every record is acknowledged. Raises Transient otherwise."""
        ...


class Tables(Protocol):
    """The Faust tables as optimistic caches of one lane's rows; they may be absent, late or wrong."""

    def read(self, lane: LaneId, ref: Ref) -> Versioned | None: ...

    def known_id(self, lane: LaneId, key: str, record_id: str, before: int) -> bytes | None:
        """Content hash under which this id was committed at an offset below `before`; None: not known here.

        What stands at a later offset was committed by a database that has since been restored from an
        older backup: it is no repeat, the record is only decided again.
        """
        ...

    async def write(
        self, lane: LaneId, rows: Mapping[Ref, Versioned], ids: Iterable[tuple[str, str, bytes, int]]
    ) -> None:
        """Committed rows and (key, id, content hash, offset); a no-op for partitions that are not owned."""
        ...

    def caches(self, ref: Ref) -> bool:
        """Whether rows of this kind are kept in a table at all."""
        ...


class Rules(msgspec.Struct, frozen=True):
    """One lane's business: pure functions of `app.domain` and what the engine has to know of its topic."""

    topic: str
    decode: Callable[[bytes | None], msgspec.Struct]
    decide: Callable[[Draft, Any], None]
    prefetch: Callable[[Any], Iterable[Ref]]
    record_key: Callable[[Any], str | None]
    """The Kafka key this record must have; None: exempt from the key check."""
    is_door: bool = False
    """A door only translates: no key check, no dedup; its records are known by their offset."""
    refused: Callable[[Draft, Any, Refused], None] | None = None
    """Tells the outside of a refusal (an event); may not post."""
    accepts_correction: Callable[[Any], bool] = lambda command: False
    """Whether a known id with other content is a correction to decide, not a conflict."""
    correct: Callable[[Draft, Any], None] | None = None
    """Decides a correction; None: `decide` does."""
    gather: Mapping[type, Callable[[Any, Any], Any | None]] = {}
    """Records that a transaction sends to one key as one: type -> what two of them come to, None where they
    have to go apart. They are differences, so their place among other records does not matter."""
    gather_by: Callable[[Any], tuple[str, ...]] = lambda record: ()
    """What records of one key have to share to be sent as one."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Sizes and pauses of the engine."""

    batch_max_records: int = 2000
    retry_seconds: float = 0.2
    retry_max_seconds: float = 5.0
    stale_retries: int = 5
    publish: bool = True
    """False in a replay: what lanes sent lies in the logs already."""


class Deps(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a lane touches, passed in by the composition root."""

    store: Store
    reader: LogReader
    publisher: Publishes
    tables: Tables
    partitions: Mapping[str, int]
    """Topic -> number of partitions."""
    leave: Callable[[str], NoReturn]
    """Ends the process at once (fail-stop); never returns."""
    sleep: Callable[[float], Any]
    monotonic: Callable[[], float]
    settings: Settings = Settings()
