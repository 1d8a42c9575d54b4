"""What an attempt leaves to publish: its report to the effects lane, and answers to who asked."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final, TypeVar

import msgspec

from app.contracts.codec import content_hash, encode
from app.domain.effects import EffectAttempted
from app.domain.streams import EFFECTS_REQUESTS
from app.effects.kind import Attempt, Outcome
from app.kafka.outgoing import Outgoing
from app.kafka.partitioner import partition_for

REASON_CHARACTERS: Final = 200
T = TypeVar("T", bound=msgspec.Struct)


def reports(
    attempt: Attempt, outcome: Outcome, at: datetime, took_ms: int, partitions: Mapping[str, int]
) -> list[Outgoing]:
    """All records of one attempt, to be published in one call."""
    report = EffectAttempted(
        id="-",
        target=attempt.target,
        effect_id=attempt.effect_id,
        attempt=attempt.number,
        outcome=outcome.outcome,
        retry_after_seconds=outcome.retry_after_seconds,
        status_code=outcome.status_code,
        reason=None if outcome.reason is None else outcome.reason[:REASON_CHARACTERS],
        took_ms=max(took_ms, 0),
        at=at,
    )
    told = [(answer.topic, answer.key, answer.record) for answer in outcome.answers]
    told.append((EFFECTS_REQUESTS, attempt.target, with_content_id(report, attempt.effect_id)))
    return [
        Outgoing(topic, partition_for(key.encode(), partitions[topic]), key.encode(), encode(record))
        for topic, key, record in told
    ]


def with_content_id(record: T, prefix: str) -> T:
    """The record under an id that its content gives: published twice it is one record, decided once."""
    return msgspec.structs.replace(record, id=f"{prefix[:150]}/{content_hash(record).hex()}")
