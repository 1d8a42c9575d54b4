"""No card number gets in, wherever it stands in a request; none is published, sent back or logged."""

from __future__ import annotations

import inspect
import json
import logging
import sys
from collections.abc import AsyncIterator, Iterator
from typing import Any, Final

import pytest
from aiohttp.test_utils import TestClient, TestServer

from tests.web.conftest import SECRET, FakeEnds, Web
from tests.web.lane import RowLane
from tests.web.tail import FakeTail
from web import serve
from web.application import build
from web.call import Endpoint
from web.desk import Desk
from web.keys import KeyHasher
from web.logs import FORMAT, MaskedFormatter
from web.openapi import document
from web.routes import ENDPOINTS, RAW

PANS: Final = ("4111111111111111", "4111 1111 1111 1111", "378282246310005", "5555-5555-5555-4444")
DIGITS: Final = ("41111111", "1111 1111", "82246310", "5555-5555")
"""Parts of them that must stand nowhere."""


@pytest.fixture
def lane(pool: Any) -> RowLane:
    return RowLane(pool)


@pytest.fixture
async def web(pool: Any, ends: FakeEnds, tail: FakeTail, lane: RowLane) -> AsyncIterator[Web]:
    hasher = KeyHasher([SECRET])
    desk = Desk(pool, lane.publish_at, partitions=1)
    app = build(pool, hasher, reader=ends, tail=tail, pages_open=True, desk=desk)
    async with TestClient(TestServer(app)) as client:
        yield Web(client, pool, hasher, ends, tail)


def places(schema: dict[str, Any], schemas: dict[str, Any]) -> Iterator[tuple[str | int, ...]]:
    """Every field of a body, however deep, as the way to it."""
    if "$ref" in schema:
        schema = schemas[schema["$ref"].rsplit("/", 1)[1]]
    for choice in schema.get("anyOf", []):
        yield from places(choice, schemas)
    for name, part in schema.get("properties", {}).items():
        yield (name,)
        yield from ((name, *deeper) for deeper in places(part, schemas))
    if isinstance(schema.get("items"), dict):
        yield (0,)
        yield from ((0, *deeper) for deeper in places(schema["items"], schemas))


def holding(place: tuple[str | int, ...], value: str) -> Any:
    if not place:
        return value
    inner = holding(place[1:], value)
    return [inner] if place[0] == 0 else {place[0]: inner}


def bodies(endpoint: Endpoint) -> Iterator[Any]:
    described = document(ENDPOINTS, RAW)
    schemas = described["components"]["schemas"]
    body = described["paths"][endpoint.path][endpoint.method.lower()]["requestBody"]["content"][
        "application/json"
    ]["schema"]
    for number, place in enumerate(places(body, schemas)):
        yield holding(place, PANS[number % len(PANS)])
    yield {PANS[0]: 1}
    yield [PANS[1]]
    yield {"note": int(PANS[0])}


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    """All lines but those of the access log, which the web process keeps none of (`web/serve.py`)."""
    return [line.getMessage() for line in caplog.records if line.name != "aiohttp.access"]


async def refused(web: Web, method: str, path: str, **sent: Any) -> None:
    async with web.client.request(method, path, **sent) as answer:
        text = await answer.text()
        assert (answer.status, json.loads(text)["code"]) == (422, "card_number_refused"), (method, path, sent)
        assert not any(part in text for part in DIGITS)


async def test_in_every_field_of_every_body(
    web: Web, lane: RowLane, acme: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    admin = await web.key("admin")
    count = 0
    with caplog.at_level(logging.DEBUG):
        for endpoint in (one for one in ENDPOINTS if one.body):
            key = acme if "merchant" in endpoint.access.value else admin
            path = endpoint.path.format(id="x", event_id="x")
            for body in bodies(endpoint):
                headers = {**key, "Idempotency-Key": f"k-{count}"}
                await refused(web, endpoint.method, path, json=body, headers=headers)
                count += 1
    assert count > 60
    assert lane.records == []
    assert not any(part in line for line in said(caplog) for part in DIGITS)


async def test_in_every_path_parameter_and_header(
    web: Web, lane: RowLane, acme: dict[str, str], viewer: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    body = {"amount": 5, "currency": "EUR"}
    with caplog.at_level(logging.DEBUG):
        for pan in PANS:
            for header in ("Idempotency-Key", "Prefer", "X-Anything", "User-Agent"):
                headers = {**acme, "Idempotency-Key": "k", header: f"a {pan} b"}
                await refused(web, "POST", "/v1/payments", json=body, headers=headers)
            for path in ("/v1/payments/{}", "/v1/payments?{}=1", "/v1/payments?psp={}", "/nothing/{}", "/{}"):
                await refused(web, "GET", path.format(pan), headers=viewer)
            for name in (name for endpoint in ENDPOINTS for name in endpoint.query.__struct_fields__):
                await refused(web, "GET", "/v1/payments", params={name: f"x {pan}"}, headers=viewer)
    assert lane.records == []
    assert not any(part in line for line in said(caplog) for part in DIGITS)


async def test_what_only_looks_a_little_like_one_is_taken(
    web: Web, lane: RowLane, acme: dict[str, str]
) -> None:
    """Random ids, times, long references; a trace id of digits in a header that means nothing here."""
    for number, reference in enumerate(("1763740000000", "4111111111111112", "o-20261120-0001", "0" * 16)):
        headers = {
            **acme,
            "Idempotency-Key": f"8d7f4111-1111-4111-8111-11111111111{number}",
            "Prefer": "wait=0",
            "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-4111111111111111-01",
        }
        body = {"amount": 4222222222222, "currency": "EUR", "order_ref": reference}
        async with web.client.post("/v1/payments", json=body, headers=headers) as answer:
            assert answer.status == 202, await answer.text()
    assert len(lane.records) == 4


def test_a_line_of_the_log_is_masked_with_its_traceback() -> None:
    try:
        raise ValueError(f"Invalid header value: {PANS[0]!r}")
    except ValueError:
        record = logging.LogRecord("x", logging.ERROR, "f", 1, "for %s", (PANS[1],), sys.exc_info())
    line = MaskedFormatter(FORMAT).format(record)
    assert "[card number]" in line
    assert "Traceback" in line
    assert not any(part in line for part in DIGITS)


def test_the_web_process_logs_no_requests() -> None:
    assert "access_log=None" in inspect.getsource(serve.serve)
