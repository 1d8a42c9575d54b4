"""`/v1/webhook_endpoints/{id}/deliveries`: what was sent, what came back, and sending it again.

A replay is a record to the effects lane, like any other change; the event keeps its `webhook-id` and body.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from app.contracts.codec import encode
from app.domain.effects import EffectRedrive, webhook_target
from app.domain.streams import EFFECTS_REQUESTS
from app.domain.webhook_fanout import delivery_id
from app.errors import TallystickError
from app.kafka.outgoing import Outgoing
from app.kafka.partitioner import partition_for
from app.store.web_deliveries import deliveries, delivery, failed_ids
from web.body import NoBody
from web.call import Call, NoQuery, Reply, Write
from web.cursors import cut, read_cursor, write_cursor
from web.desk import digest_of
from web.ingress import STORED_WITHIN_SECONDS
from web.params import PositionText, Text
from web.problems import Problem, invalid
from web.webhook_endpoints import EndpointQuery, known_endpoint, merchant_of
from web.webhook_schemas import (
    STATUSES,
    DeliveryStatus,
    Replayed,
    ReplaySince,
    WebhookDeliveryDetail,
    WebhookDeliveryPage,
    delivery_of,
    detail_of,
)

MOST_REPLAYED: Final = 1_000
"""By one request."""
FAR: Final = datetime(9999, 1, 1, tzinfo=UTC)
log: Final = logging.getLogger(__name__)


class DeliveryKey(msgspec.Struct, array_like=True, forbid_unknown_fields=True, tag="deliveries"):
    offset: Annotated[int, Meta(ge=0, le=2**63 - 1)]


class DeliveryQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`merchant_id`: for staff, who have to say whose."""

    merchant_id: Text | None = None
    status: DeliveryStatus | None = None
    cursor: Annotated[str, Meta(max_length=200)] | None = None
    limit: Annotated[int, Meta(ge=1, le=100)] = 20
    min_position: PositionText | None = None


async def list_deliveries(call: Call[DeliveryQuery]) -> WebhookDeliveryPage:
    query = call.query
    await call.deps.positions.wait_for(query.min_position)
    merchant_id = merchant_of(call)
    endpoint = await known_endpoint(call, merchant_id)
    after = read_cursor(query.cursor, DeliveryKey)
    wanted = [status for name, those in STATUSES.items() if query.status in (None, name) for status in those]
    target = webhook_target(merchant_id, endpoint.id)
    found = await deliveries(call.deps.pool, target, wanted, after.offset if after else None, query.limit + 1)
    page, has_more = cut(found, query.limit)
    return WebhookDeliveryPage(
        items=[delivery_of(effect) for effect in page],
        has_more=has_more,
        next_cursor=write_cursor(DeliveryKey(page[-1].offset)) if has_more else None,
    )


async def get_delivery(call: Call[EndpointQuery]) -> WebhookDeliveryDetail:
    await call.deps.positions.wait_for(call.query.min_position)
    merchant_id, endpoint_id, event_id = merchant_of(call), call.path["id"], call.path["event_id"]
    target = webhook_target(merchant_id, endpoint_id)
    found = await delivery(call.deps.pool, target, delivery_id(event_id, endpoint_id))
    if found is None:
        raise Problem("not_found", f"no delivery of event {event_id!r} to {endpoint_id!r}")
    return detail_of(found)


async def replay_delivery(call: Write[NoQuery, NoBody]) -> Reply:
    """One, whatever became of it."""
    merchant_id, endpoint_id, event_id = merchant_of(call), call.path["id"], call.path["event_id"]
    target, effect_id = webhook_target(merchant_id, endpoint_id), delivery_id(event_id, endpoint_id)
    if await delivery(call.deps.pool, target, effect_id) is None:
        raise Problem("not_found", f"no delivery of event {event_id!r} to {endpoint_id!r}")
    await _redrive(call, merchant_id, target, [effect_id])
    return Reply(Replayed(count=1, has_more=False), 202)


async def replay_failed(call: Write[NoQuery, ReplaySince]) -> Reply:
    """All that was given up, of events of a time; the oldest first."""
    merchant_id, until = merchant_of(call), call.body.until or FAR
    if call.body.since >= until:
        raise invalid("until", "must be later than `since`")
    endpoint = await known_endpoint(call, merchant_id)
    target = webhook_target(merchant_id, endpoint.id)
    found = await failed_ids(call.deps.pool, target, call.body.since, until, MOST_REPLAYED + 1)
    effects, has_more = cut(found, MOST_REPLAYED)
    await _redrive(call, merchant_id, target, effects)
    return Reply(Replayed(count=len(effects), has_more=has_more), 202)


async def _redrive(call: Write[Any, Any], merchant_id: str, target: str, effects: Sequence[str]) -> None:
    """Returns when the log has them. The same key again is the same records: nothing is sent twice for it."""
    ingress, key = call.deps.ingress, target.encode()
    digest = digest_of(merchant_id, call.route, call.key)
    partition = partition_for(key, ingress.partitions)
    records = [
        EffectRedrive(id=f"rd_{digest}/{effect_id}"[:200], target=target, effect_id=effect_id, by=merchant_id)
        for effect_id in effects
    ]
    try:
        async with asyncio.timeout(STORED_WITHIN_SECONDS):
            await ingress.publish(
                [Outgoing(EFFECTS_REQUESTS, partition, key, encode(record)) for record in records]
            )
    except (TallystickError, TimeoutError) as error:
        log.warning("a replay to %s was not stored: %r", target, error)
        raise Problem("kafka_unavailable", "send it again, with the same key", {"Retry-After": "2"}) from None
