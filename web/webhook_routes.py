"""The URLs of webhooks to merchants; part of the table in `web/routes.py`."""

from __future__ import annotations

from typing import Final

from web import webhook_deliveries, webhook_endpoints
from web.body import NoBody
from web.call import Access, Endpoint
from web.webhook_schemas import (
    ChangedEndpoint,
    NewEndpoint,
    Replayed,
    ReplaySince,
    Rotation,
    WebhookDeliveryDetail,
    WebhookDeliveryPage,
    WebhookEndpoint,
    WebhookEndpointList,
)

EITHER, MERCHANTS = Access.STAFF_OR_MERCHANT, Access.MERCHANTS
ROOT: Final = "/v1/webhook_endpoints"
ONE: Final = f"{ROOT}/{{id}}"
READ: Final = ("not_found", "not_yet")
CHANGED: Final = (200, 202)

# fmt: off
WEBHOOK_ENDPOINTS: Final = (
    Endpoint(path=ROOT, method="POST", handler=webhook_endpoints.create_endpoint, access=MERCHANTS,
             answer=WebhookEndpoint, body=NewEndpoint, makes=True, statuses=(201, 200, 202),
             summary="Send events to a URL; the answer has the secret that signs them"),
    Endpoint(path=ROOT, handler=webhook_endpoints.list_endpoints, access=EITHER, answer=WebhookEndpointList,
             query=webhook_endpoints.EndpointQuery, problems=("not_yet",), summary="All endpoints"),
    Endpoint(path=ONE, handler=webhook_endpoints.get_endpoint, access=EITHER, answer=WebhookEndpoint,
             query=webhook_endpoints.EndpointQuery, problems=READ, summary="One endpoint"),
    Endpoint(path=ONE, method="POST", handler=webhook_endpoints.update_endpoint, access=MERCHANTS,
             answer=WebhookEndpoint, body=ChangedEndpoint, makes=True, statuses=CHANGED,
             problems=("not_found",), summary="Another URL, other events, or on again"),
    Endpoint(path=f"{ONE}/rotate", method="POST", handler=webhook_endpoints.rotate_secret, access=MERCHANTS,
             answer=WebhookEndpoint, body=Rotation, makes=True, statuses=CHANGED, problems=("not_found",),
             summary="A new secret; the one before signs as well for a while"),
    Endpoint(path=f"{ONE}/disable", method="POST", handler=webhook_endpoints.disable_endpoint,
             access=MERCHANTS, answer=WebhookEndpoint, body=NoBody, makes=True, statuses=CHANGED,
             problems=("not_found",), summary="Send it nothing more"),
    Endpoint(path=f"{ONE}/deliveries", handler=webhook_deliveries.list_deliveries, access=EITHER,
             answer=WebhookDeliveryPage, query=webhook_deliveries.DeliveryQuery, problems=READ,
             summary="What was sent to it and what came back, newest first"),
    Endpoint(path=f"{ONE}/deliveries/{{event_id}}", handler=webhook_deliveries.get_delivery, access=EITHER,
             answer=WebhookDeliveryDetail, query=webhook_endpoints.EndpointQuery, problems=READ,
             summary="One delivery, with the body that is sent"),
    Endpoint(path=f"{ONE}/deliveries/{{event_id}}/replay", method="POST",
             handler=webhook_deliveries.replay_delivery, access=MERCHANTS, answer=Replayed, body=NoBody,
             makes=True, statuses=(202,), problems=("not_found", "kafka_unavailable"),
             summary="Send one event again, whatever became of it"),
    Endpoint(path=f"{ONE}/replay", method="POST", handler=webhook_deliveries.replay_failed,
             access=MERCHANTS, answer=Replayed, body=ReplaySince, makes=True, statuses=(202,),
             problems=("not_found", "kafka_unavailable"), summary="Send again what was given up"),
)
# fmt: on
