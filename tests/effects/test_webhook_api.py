"""A merchant sets an endpoint up over HTTP and sees what becomes of its events; all else is real."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from app.kafka.publisher import Publisher
from app.store.web_keys import add_key
from tests.effects.asking import PLATFORM
from tests.effects.receiver import Hit, Receiver
from tests.effects.telling import SECRETS, WITHIN_SECONDS, document, tell
from tests.effects.workers import Workers
from tests.support.facts import MERCHANT, capture_fact
from tests.support.live import PARTITIONS, Live
from tests.support.waiting import eventually
from web.application import build
from web.desk import Desk
from web.ingress import Ingress
from web.keys import KeyHasher, make_key

pytestmark = [pytest.mark.stack, pytest.mark.slow]
ROOT = "/v1/webhook_endpoints"


class Api:
    """The web in this process, called with a merchant's key."""

    def __init__(self, client: TestClient[Any, Any], token: str) -> None:
        self._client = client
        self._headers = {"Authorization": f"Bearer {token}", "Prefer": "wait=10"}
        self._keys = 0

    async def get(self, path: str, **query: str) -> Any:
        async with self._client.get(path, params=query, headers=self._headers) as response:
            assert response.status == 200, await response.text()
            return await response.json()

    async def post(self, path: str, body: Any = None, key: str | None = None) -> tuple[int, Any]:
        self._keys += 1
        headers = {**self._headers, "Idempotency-Key": key or f"key-{self._keys}"}
        async with self._client.post(path, json=body, headers=headers) as response:
            return response.status, await response.json(content_type=None)


@pytest.fixture
async def api(live: Live) -> AsyncIterator[Api]:
    publisher, hasher, key = Publisher(live.kafka), KeyHasher(["k" * 32]), make_key()
    await add_key(live.pool, key.id, hasher.hash(key.token), "merchant", MERCHANT)
    app = build(
        live.pool,
        hasher,
        reader=None,
        pages_open=False,
        ingress=Ingress(publish=publisher.publish, partitions=PARTITIONS),
        desk=Desk(live.pool, publisher.publish_at, PARTITIONS),
        endpoint_secrets=SECRETS,
    )
    async with TestClient(TestServer(app)) as client:
        yield Api(client, key.token)
    await publisher.stop()


def is_signed(hit: Hit, secret: str) -> bool:
    try:
        Webhook(secret).verify(hit.body, dict(hit.headers))
    except WebhookVerificationError:
        return False
    return True


async def at_work(live: Live, workers: Workers) -> None:
    """A worker that owns its lanes: it has decided a first payment."""
    workers.start()
    await capture(live, "pay-0")

    async def decided() -> int:
        count: int = await live.pool.fetchval("SELECT count(*) FROM payments")
        return count

    await eventually(decided, WITHIN_SECONDS, "a first payment")


async def capture(live: Live, payment: str) -> None:
    await tell(live, document(capture_fact(payment, payment, 1_000, command_id=f"c-{payment}")))


async def test_an_endpoint_from_its_creation_to_a_replay(
    live: Live, workers: Workers, receiver: Receiver, api: Api
) -> None:
    live.configure(PLATFORM)
    await at_work(live, workers)
    made = await make_endpoint(api, f"{receiver.url}/hooks")
    here = f"{ROOT}/{made['id']}"
    await capture(live, "pay-1")
    await hits(receiver, 1)
    assert is_signed(receiver.hits[0], made["secret"])
    rotated = await rotate(live, receiver, api, made)
    _, last = await api.post(f"{here}/rotate", {"overlap_seconds": 0})
    receiver.answers["/hooks"] = [500, 500, 500, 500, 200]
    await fail_and_replay(live, receiver, api, here)
    assert [is_signed(receiver.hits[-1], one["secret"]) for one in (made, rotated, last)] == [0, 0, 1]
    await read_the_log(receiver, api, here)

    _, off = await api.post(f"{here}/disable")
    assert off["status"] == "disabled"
    await capture(live, "pay-4")
    await live.rest()
    assert len(receiver.hits) == 8
    _, on = await api.post(here, {"enabled": True, "events": ["*"]})
    assert (on["status"], on["events"]) == ("enabled", ["*"])
    workers.stop()


async def hits(receiver: Receiver, count: int) -> None:
    await eventually(lambda: len(receiver.hits) == count, WITHIN_SECONDS, f"{count} requests")


async def make_endpoint(api: Api, url: str) -> Any:
    """Made once, however often it is asked for with one key."""
    wanted = {"url": url, "events": ["payment.captured"]}
    status, made = await api.post(ROOT, wanted, key="mine")
    assert (status, made["status"], made["events"]) == (201, "enabled", ["payment.captured"])
    assert await api.post(ROOT, wanted, key="mine") == (200, made)
    conflict, problem = await api.post(ROOT, {"url": f"{url}/other"}, key="mine")
    assert (conflict, problem["code"]) == (409, "idempotency_conflict")
    listed = await api.get(ROOT)
    assert [(one["id"], one["secret"]) for one in listed["items"]] == [(made["id"], None)]
    return made


async def rotate(live: Live, receiver: Receiver, api: Api, made: Any) -> Any:
    """Both secrets sign for an hour."""
    _, rotated = await api.post(f"{ROOT}/{made['id']}/rotate", {"overlap_seconds": 3600})
    assert rotated["secret_generation"] == 2
    await capture(live, "pay-2")
    await hits(receiver, 2)
    assert [is_signed(receiver.hits[1], one["secret"]) for one in (made, rotated)] == [1, 1]
    return rotated


async def fail_and_replay(live: Live, receiver: Receiver, api: Api, here: str) -> None:
    """The third event is given up after four attempts, and sent again as it was."""
    await capture(live, "pay-3")
    failed = await eventually(
        lambda: page(api, f"{here}/deliveries", status="failed"), WITHIN_SECONDS, "the third event to fail"
    )
    (lost,) = failed
    assert (lost["object"], lost["attempts"]) == ("payment/pay-3", 4)
    assert [one["status_code"] for one in lost["recent"]] == [500] * 4
    answer = await api.post(f"{here}/replay", {"since": "2020-01-01T00:00:00Z"})
    assert answer == (202, {"count": 1, "has_more": False})
    await hits(receiver, 7)
    first_try, replay = receiver.hits[2], receiver.hits[-1]
    assert (first_try.webhook_id, first_try.body) == (replay.webhook_id, replay.body)


async def read_the_log(receiver: Receiver, api: Api, here: str) -> None:
    """In pages, by id; and one of it sent again, once per key."""
    delivered = await eventually(
        lambda: page(api, f"{here}/deliveries", 3, status="delivered"), WITHIN_SECONDS, "all delivered"
    )
    ids = [one["event_id"] for one in delivered]
    newest = await api.get(f"{here}/deliveries", limit="2")
    older = await api.get(f"{here}/deliveries", limit="2", cursor=newest["next_cursor"])
    assert [one["event_id"] for one in newest["items"] + older["items"]] == ids
    oldest = f"{here}/deliveries/{ids[2]}"
    assert (await api.get(oldest))["body"] == receiver.hits[0].body
    for _ in range(2):
        assert (await api.post(f"{oldest}/replay", key="replay"))[0] == 202
    await hits(receiver, 8)
    assert receiver.hits[7].webhook_id == receiver.hits[0].webhook_id


async def page(api: Api, path: str, at_least: int = 1, **query: str) -> list[Any]:
    found = (await api.get(path, **query))["items"]
    return found if len(found) >= at_least else []


async def test_what_the_lane_refuses_is_told(live: Live, workers: Workers, api: Api) -> None:
    await at_work(live, workers)
    for url, code in (
        ("http://merchant.example/", "webhook_https_required"),
        ("https://me:secret@merchant.example/", "webhook_url_credentials"),
    ):
        for _ in range(2):
            status, problem = await api.post(ROOT, {"url": url}, key=f"for {code}")
            assert (status, problem["refusal"]) == (409, code), problem
    status, problem = await api.post(f"{ROOT}/we_none/rotate", {})
    assert (status, problem["code"]) == (404, "not_found")
    workers.stop()
