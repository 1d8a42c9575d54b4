"""What the direct Kafka tools raise, under the one error tree of `app/errors.py`."""

from __future__ import annotations

from app.errors import LogTruncated, TallystickError, Transient


class KafkaUnavailable(Transient):
    """The broker did not answer in time; back off and call again."""


class PublishFailed(Transient):
    """At least one record was not acknowledged, others may have been: publish all of them again."""


class RecordTooLarge(TallystickError):
    """A record that the broker will never take; nothing of its call was sent."""

    def __init__(self, topic: str, key: bytes | None, size: int, limit: int) -> None:
        super().__init__(f"record for {topic} with key {key!r} has {size} bytes, the limit is {limit}")
        self.topic, self.key, self.size, self.limit = topic, key, size, limit


class OffsetOutOfRange(LogTruncated):
    """Retention or a lost log cut off the wanted offset; the log now covers [begin, end). Never skip it."""

    def __init__(self, topic: str, partition: int, wanted: int, begin: int, end: int) -> None:
        text = f"{topic}:{partition} no longer holds offset {wanted}: its log covers [{begin}, {end})"
        super().__init__(text)
        self.topic, self.partition, self.wanted, self.begin, self.end = topic, partition, wanted, begin, end
