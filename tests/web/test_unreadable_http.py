"""What is no HTTP at all: answered with 400, and nothing of it gets into the log, where a key could stand."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator

import pytest

from tests.web.conftest import Web
from web.logs import tell_less

TOKEN = "tally_0123456789ab_" + "c" * 64
SERVER = logging.getLogger("aiohttp.server")


@pytest.fixture
def as_configured() -> Iterator[None]:
    SERVER.addFilter(tell_less)
    yield
    SERVER.removeFilter(tell_less)


async def sent(web: Web, raw: bytes) -> bytes:
    """The status line of the answer."""
    reader, writer = await asyncio.open_connection(web.client.host, web.client.port)
    writer.write(raw)
    line = await asyncio.wait_for(reader.readline(), 10)
    writer.close()
    return line


@pytest.mark.parametrize(
    "head",
    [
        f"GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\x00\r\n\r\n",
        f"GET / HTTP/1.1\r\nHost: x\r\n{TOKEN} : x\r\n\r\n",
        f"GET /?key={TOKEN}\xff HTTP/1.1\r\nHost: x\r\n\r\n",
        f"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {TOKEN}\r\n\r\n",
    ],
)
@pytest.mark.usefixtures("as_configured")
async def test_nothing_of_it_is_logged(web: Web, caplog: pytest.LogCaptureFixture, head: str) -> None:
    assert b" 400 " in await sent(web, head.encode("latin-1"))
    told = [record for record in caplog.records if record.name == SERVER.name]
    assert [record.levelname for record in told] == ["INFO"]
    assert TOKEN not in caplog.text
    assert "Traceback" not in caplog.text


@pytest.mark.usefixtures("as_configured")
async def test_a_body_that_cannot_be_unpacked_is_no_traceback(
    web: Web, acme: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    headers = {"Idempotency-Key": "a", "Content-Type": "application/json", "Content-Encoding": "gzip", **acme}
    async with web.client.post("/v1/payments", data=b"no gzip", headers=headers) as answer:
        assert (answer.status, (await answer.json())["code"]) == (400, "bad_request")
    assert "Traceback" not in caplog.text


def test_our_own_faults_keep_their_tracebacks() -> None:
    try:
        raise KeyError("x")
    except KeyError as fault:
        told = logging.LogRecord("x", logging.ERROR, "", 1, "it failed", (), (KeyError, fault, None))
    assert tell_less(told)
    assert told.exc_info
    assert told.levelname == "ERROR"


@pytest.mark.parametrize("body", ["null", "[]", "5"])
async def test_a_body_that_is_no_object_is_named(web: Web, acme: dict[str, str], body: str) -> None:
    headers = {"Idempotency-Key": "a", "Content-Type": "application/json", **acme}
    async with web.client.post("/v1/payments", data=body, headers=headers) as answer:
        document = await answer.json()
    assert (answer.status, [error["parameter"] for error in document["errors"]]) == (422, ["body"])
