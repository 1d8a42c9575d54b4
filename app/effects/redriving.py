"""Another round of attempts for effects that were given up (or done: a replay), asked for by people.

A redrive is a record per effect. `request_id` makes a repeat of the same asking one asking.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Final, NamedTuple, Protocol

from app.contracts.codec import encode
from app.domain.effects import EffectRedrive
from app.domain.streams import EFFECTS_REQUESTS
from app.kafka.outgoing import Outgoing
from app.store.effects import OpenEffect

AT_MOST: Final = 10_000
"""Effects that one asking redrives; more are left for the next."""


class Publishes(Protocol):
    async def publish(self, records: Sequence[Outgoing]) -> None: ...


class Known(NamedTuple):
    """Which effect, and the partition of `effects.requests` it lives in."""

    partition: int
    target: str
    id: str


def known(rows: Iterable[OpenEffect]) -> list[Known]:
    return [Known(row.partition, row.target, row.id) for row in rows]


def redrive_record(effect: Known, by: str, request_id: str) -> Outgoing:
    """`by`: who asks, for the log; `request_id`: the same for repeats of one asking."""
    record = EffectRedrive(
        id=f"redrive/{_digest(f'{request_id}/{effect.id}')}",
        target=effect.target,
        effect_id=effect.id,
        by=by,
    )
    return Outgoing(EFFECTS_REQUESTS, effect.partition, effect.target.encode(), encode(record))


async def redrive(publisher: Publishes, effects: Sequence[Known], by: str, request_id: str) -> int:
    """Ask for all of them in one call; returns how many. Raises Transient where the broker is away."""
    records = [redrive_record(effect, by, request_id) for effect in effects]
    if records:
        await publisher.publish(records)
    return len(records)


def _digest(text: str) -> str:
    return blake2b(text.encode(), digest_size=16).hexdigest()
