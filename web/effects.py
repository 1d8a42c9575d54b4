"""`POST /v1/effects/redrive`: another round of attempts for what was given up."""

from __future__ import annotations

import asyncio
import logging
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from app.domain.fields import Moment
from app.effects.redriving import AT_MOST, Known, known, redrive_record
from app.errors import TallystickError
from app.store.effects import EffectRows
from web.call import NoQuery, Reply, Write
from web.desk import request_id
from web.ingress import STORED_WITHIN_SECONDS
from web.params import Text
from web.payment_bodies import RequestBody
from web.problems import Problem

log: Final = logging.getLogger(__name__)


class RedriveBody(RequestBody, frozen=True, kw_only=True):
    """Which of those that were given up: all at `target` (with `*` at its end: all that begin so; `*`: all),

    narrowed to these ids, or to what was asked for at or after `since` and before `until`.
    `also_done`: those that were done as well, a replay.
    """

    target: Text
    effect_ids: Annotated[tuple[Text, ...], Meta(max_length=1000)] = ()
    since: Moment | None = None
    until: Moment | None = None
    also_done: bool = False


class Redriven(msgspec.Struct, frozen=True):
    """`has_more`: there may be more than one request redrives; send another, with a new key."""

    count: int
    has_more: bool


async def redrive_effects(call: Write[NoQuery, RedriveBody]) -> Reply:
    """Answers when the log has them; each effect's lane decides. The same key asks for an effect once."""
    chosen = await _chosen(EffectRows(call.deps.pool), call.body)
    person = call.principal.key_id
    asked = request_id(f"staff/{person}", call.route, call.key)
    records = [redrive_record(effect, f"key:{person}", asked) for effect in chosen]
    try:
        async with asyncio.timeout(STORED_WITHIN_SECONDS):
            await call.deps.ingress.publish(records)
    except (TallystickError, TimeoutError) as error:
        log.warning("a redrive was not stored: %r", error)
        raise Problem("kafka_unavailable", "send it again, with the same key", {"Retry-After": "2"}) from None
    return Reply(Redriven(len(chosen), has_more=len(chosen) == AT_MOST), 202)


async def _chosen(rows: EffectRows, body: RedriveBody) -> list[Known]:
    statuses = ("dead", "done") if body.also_done else ("dead",)
    if body.effect_ids:
        several = [effect for effect_id in body.effect_ids for effect in await rows.by_id(effect_id)]
        keys = [
            (one.target, one.id) for one in several if one.status in statuses and _is_at(one.target, body)
        ]
        found = await rows.find(keys) if keys else []
        return [Known(partition, effect.target, effect.id) for partition, _, effect in found]
    return known(
        await rows.select(
            statuses=statuses, target=body.target, since=body.since, until=body.until, limit=AT_MOST
        )
    )


def _is_at(target: str, body: RedriveBody) -> bool:
    prefix = body.target.removesuffix("*")
    return target == body.target or (prefix != body.target and target.startswith(prefix))
