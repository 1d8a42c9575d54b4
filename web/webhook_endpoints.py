"""`/v1/webhook_endpoints`: where a merchant's events are sent, and the secrets that sign them.

A secret is derived, not kept (`app/effects/secrets.py`): it is shown where it is made, by creation and by
rotation, and to whoever repeats that request with its key.
"""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec

from app.domain.webhook_endpoint import WebhookEndpoint as DomainEndpoint
from app.domain.webhook_endpoint import (
    WebhookEndpointCommand,
    WebhookEndpointCreate,
    WebhookEndpointDisable,
    WebhookEndpointRotate,
    WebhookEndpointUpdate,
)
from app.store.webhook_endpoints import endpoints_of
from web.body import NoBody
from web.call import Call, NoQuery, Reply, Write
from web.desk import digest_of, request_id
from web.merchants import own_merchant
from web.params import PositionText, Text
from web.problems import Problem, invalid
from web.schemas import Underway
from web.webhook_schemas import (
    ChangedEndpoint,
    NewEndpoint,
    Rotation,
    WebhookEndpoint,
    WebhookEndpointList,
    endpoint_of,
)


class EndpointQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`merchant_id`: for staff, who have to say whose."""

    merchant_id: Text | None = None
    min_position: PositionText | None = None


async def list_endpoints(call: Call[EndpointQuery]) -> WebhookEndpointList:
    await call.deps.positions.wait_for(call.query.min_position)
    merchant_id = merchant_of(call)
    found = await endpoints_of(call.deps.pool, merchant_id)
    return WebhookEndpointList(items=[endpoint_of(merchant_id, endpoint) for endpoint in found])


async def get_endpoint(call: Call[EndpointQuery]) -> WebhookEndpoint:
    await call.deps.positions.wait_for(call.query.min_position)
    merchant_id = merchant_of(call)
    return endpoint_of(merchant_id, await known_endpoint(call, merchant_id))


async def create_endpoint(call: Write[NoQuery, NewEndpoint]) -> Reply:
    merchant_id = merchant_of(call)
    command = WebhookEndpointCreate(
        id=request_id(merchant_id, call.route, call.key),
        merchant_id=merchant_id,
        endpoint_id=f"we_{digest_of(merchant_id, call.route, call.key)}",
        url=call.body.url,
        events=call.body.events,
    )
    return await _carry_out(call, command, makes=True, shows_secret=True)


async def update_endpoint(call: Write[NoQuery, ChangedEndpoint]) -> Reply:
    body = call.body
    command = WebhookEndpointUpdate(
        **await _named(call), url=body.url, events=body.events, enabled=body.enabled
    )
    return await _carry_out(call, command)


async def rotate_secret(call: Write[NoQuery, Rotation]) -> Reply:
    command = WebhookEndpointRotate(**await _named(call), overlap_seconds=call.body.overlap_seconds)
    return await _carry_out(call, command, shows_secret=True)


async def disable_endpoint(call: Write[NoQuery, NoBody]) -> Reply:
    return await _carry_out(call, WebhookEndpointDisable(**await _named(call)))


def merchant_of(call: Call[Any]) -> str:
    """Whose endpoints the call is about: a merchant's own, or those that staff names."""
    merchant_id = own_merchant(call.principal, getattr(call.query, "merchant_id", None))
    if merchant_id is None:
        raise invalid("merchant_id", "is required with a key of staff")
    return merchant_id


async def known_endpoint(call: Call[Any], merchant_id: str, endpoint_id: str | None = None) -> DomainEndpoint:
    """The endpoint of the path, or the one named. Raises Problem `not_found`."""
    wanted = call.path["id"] if endpoint_id is None else endpoint_id
    for endpoint in await endpoints_of(call.deps.pool, merchant_id):
        if endpoint.id == wanted:
            return endpoint
    raise Problem("not_found", f"no webhook endpoint {wanted!r}")


async def _named(call: Write[Any, Any]) -> dict[str, Any]:
    """What is known of the endpoint in the path, which has to be there. The route is the same for all of
    them, so the endpoint is part of what a key stands for."""
    merchant_id = merchant_of(call)
    endpoint = await known_endpoint(call, merchant_id)
    return {
        "id": request_id(merchant_id, f"{call.route} {endpoint.id}", call.key),
        "merchant_id": merchant_id,
        "endpoint_id": endpoint.id,
    }


async def _carry_out(
    call: Write[Any, Any], command: WebhookEndpointCommand, *, makes: bool = False, shows_secret: bool = False
) -> Reply:
    """201 where it was made just now, 200 else, 202 where it is not decided within the caller's time."""
    until = asyncio.get_running_loop().time() + call.wait.seconds
    taken = await call.deps.desk.take(command, until)
    headers = {**taken.headers, **({"Preference-Applied": call.wait.applied} if call.wait.applied else {})}
    if not taken.decided:
        return Reply(Underway(merchant_id=command.merchant_id, id=command.endpoint_id), 202, headers)
    endpoint = await known_endpoint(call, command.merchant_id, command.endpoint_id)
    secret = secret_of(call, command.merchant_id, endpoint) if shows_secret else None
    status = 201 if makes and not taken.replayed else 200
    return Reply(endpoint_of(command.merchant_id, endpoint, secret), status, headers)


def secret_of(call: Call[Any], merchant_id: str, endpoint: DomainEndpoint) -> str:
    return call.deps.endpoint_secrets.secret(merchant_id, endpoint.id, endpoint.generation)
