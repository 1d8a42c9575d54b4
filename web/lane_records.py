"""Stores records of people's requests in the log of a lane that is not the merchants'."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from app.contracts.codec import encode
from app.errors import TallystickError
from app.kafka.outgoing import Outgoing
from app.kafka.partitioner import partition_for
from web.call import Caller, Write
from web.deps import Deps
from web.ingress import STORED_WITHIN_SECONDS
from web.problems import Problem

log: Final = logging.getLogger(__name__)


async def store_record(deps: Deps, topic: str, key: str, record: msgspec.Struct) -> None:
    """Returns when the broker has acknowledged. Raises Problem `kafka_unavailable`."""
    encoded = key.encode()
    partition = partition_for(encoded, deps.ingress.partitions)
    await store_records(deps, [Outgoing(topic, partition, encoded, encode(record))])


async def store_records(deps: Deps, records: Sequence[Outgoing]) -> None:
    try:
        async with asyncio.timeout(STORED_WITHIN_SECONDS):
            await deps.ingress.publish(records)
    except (TallystickError, TimeoutError) as error:
        log.warning("a request was not stored: %r", error)
        raise Problem("kafka_unavailable", "send it again, with the same key", {"Retry-After": "2"}) from None


def by_of(caller: Caller) -> str:
    """Who acts, as records name it."""
    return f"{caller.kind}:{caller.id}" if caller.id else caller.kind


def preferred(call: Write[Any, Any]) -> dict[str, str]:
    return {"Preference-Applied": call.wait.applied} if call.wait.applied else {}
