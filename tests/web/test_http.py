"""HTTP itself: methods, bodies, headers, and that no error ever says more than a problem document."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from itertools import product
from typing import Any

import msgspec
import pytest
from aiohttp.test_utils import TestClient, TestServer

from app.store.pool import open_pool
from tests.support.databases import at_database
from tests.support.waiting import free_port
from tests.web import rows
from tests.web.conftest import Client, Web
from web import finding, guard
from web.application import build
from web.problems import CODES, ProblemDocument

PATHS = (
    "/v1/status",
    "/v1/mismatches",
    "/healthz",
    "/readyz",
    "/metrics",
    "/openapi.json",
    "/",
    "/static/live.js",
)


async def test_head_is_get_without_a_body(web: Web, viewer: dict[str, str]) -> None:
    for path in PATHS:
        async with web.client.head(path, headers=viewer) as head, web.client.get(path, headers=viewer) as get:
            assert (head.status, await head.read()) == (200, b""), path
            assert head.headers["Content-Type"] == get.headers["Content-Type"], path
            assert int(head.headers["Content-Length"]) > 0, path


METHODS = ("POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND")


async def test_other_methods_are_not_allowed(web: Web, viewer: dict[str, str]) -> None:
    for method, path in product(METHODS, PATHS):
        async with web.client.request(method, path, headers=viewer) as response:
            assert response.status == 405, path
            assert response.headers["Allow"] == "GET,HEAD", path
            assert (await problem_of(response)).code == "method_not_allowed"


NOWHERE = (
    "/nothing", "/v1", "/v1/", "/v1/payment", "/v1/status/", "/static/", "/static/../app.py",
    "/static/%2e%2e%2fauth.py",
)  # fmt: skip


async def test_what_is_not_there(web: Web, viewer: dict[str, str]) -> None:
    for path in NOWHERE:
        async with web.client.get(path, headers=viewer, allow_redirects=False) as response:
            assert response.status == 404, path
            assert (await problem_of(response)).code == "not_found"


async def test_every_answer_carries_the_security_headers(web: Web, viewer: dict[str, str]) -> None:
    for path in (*PATHS, "/nothing", "/v1/mismatches?limit=0"):
        async with web.client.get(path, headers=viewer) as response:
            assert "default-src 'none'" in response.headers["Content-Security-Policy"], path
            assert response.headers["X-Content-Type-Options"] == "nosniff", path
            assert response.headers["Server"] == "tallystick", path
            assert len(response.headers["X-Request-Id"]) == 16, path
            assert ("no-store" in response.headers["Cache-Control"]) != path.startswith("/static/"), path


async def test_a_large_body_is_refused_before_it_is_read(web: Web, viewer: dict[str, str]) -> None:
    size = guard.LARGEST_BODY_BYTES + 1
    for method in ("GET", "POST"):
        async with web.client.request(method, "/v1/status", headers=viewer, data=b"x" * size) as response:
            assert response.status == 413
            assert (await problem_of(response)).code == "body_too_large"


async def test_a_small_body_of_a_get_does_no_harm(web: Web, viewer: dict[str, str]) -> None:
    async with web.client.get("/v1/status", headers=viewer, data=b"x" * 1000) as response:
        assert response.status == 200


HARDLY_HTTP = {
    "long target": b"GET /v1/mismatches?" + b"a" * 10_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "long header": b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: " + b"a" * 20_000 + b"\r\n\r\n",
    "many headers": b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 1000 + b"\r\n",
    "NUL": b"GET /\x00 HTTP/1.1\r\nHost: x\r\n\r\n",
    "TLS": b"\x16\x03\x01 this is TLS",
    "unknown method": b"BREW / HTTP/1.1\r\nHost: x\r\n\r\n",
    "version": b"GET / HTTP/9.9\r\n\r\n",
    "negative length": b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    "two lengths": b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
}


async def test_what_is_hardly_http_gets_a_400_and_the_server_lives(web: Web) -> None:
    """The parser answers these itself, in plain text."""
    server = web.client.server
    for name, request in HARDLY_HTTP.items():
        reader, writer = await asyncio.open_connection(server.host, server.port)
        writer.write(request)
        answer = await asyncio.wait_for(reader.read(), 10)
        writer.close()
        assert answer.split(b"\r\n")[0].endswith(b" 400 Bad Request"), name
        assert b"Traceback" not in answer, name
        assert b".py" not in answer, name
    assert (await web.get("/healthz"))[0] == 200


class TestFailures:
    @pytest.fixture
    def broken(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        async def fail(*_: Any) -> Any:
            raise RuntimeError("secret detail in /srv/app.py")

        monkeypatch.setattr(finding, "find_rows", fail)
        return iter(())

    @pytest.mark.usefixtures("broken")
    async def test_a_bug_is_logged_and_not_shown(
        self, web: Web, viewer: dict[str, str], caplog: pytest.LogCaptureFixture
    ) -> None:
        with caplog.at_level(logging.ERROR):
            async with web.client.get("/v1/payments/pay-1", headers=viewer) as response:
                text = await response.text()
                document = await problem_of(response)
        assert (response.status, document.code) == (500, "internal")
        assert document.request_id in document.detail
        for leak in ("secret detail", "RuntimeError", "Traceback", ".py"):
            assert leak not in text
        assert document.request_id in caplog.text
        assert "secret detail" in caplog.text

    async def test_a_slow_handler_is_cut_off(
        self, web: Web, viewer: dict[str, str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def never(*_: Any) -> Any:
            await asyncio.Event().wait()

        monkeypatch.setattr(guard, "ANSWER_WITHIN_SECONDS", 0.1)
        monkeypatch.setattr(finding, "find_rows", never)
        status, problem = await web.get("/v1/payments/pay-1", viewer)
        assert (status, problem["code"]) == (503, "timeout")


class TestDatabaseAway:
    """The process starts and answers while PostgreSQL is away, and goes on when it comes."""

    async def paths(self, client: Client, headers: dict[str, str]) -> dict[str, tuple[int, str]]:
        found = {}
        for path in ("/healthz", "/readyz", "/v1/status", "/", "/metrics"):
            async with client.get(path, headers=headers) as response:
                body = await response.text()
                found[path] = (
                    response.status,
                    msgspec.json.decode(body)["code"] if response.status >= 400 else body,
                )
        return found

    async def test_nobody_listens(self, web: Web, viewer: dict[str, str]) -> None:
        pool = await open_pool(f"postgresql://nobody@127.0.0.1:{free_port()}/none", 2, "tests", at_start=0)
        async with TestClient(TestServer(build(pool, web.hasher, reader=None, pages_open=True))) as client:
            found = await self.paths(client, viewer)
        assert found["/healthz"][0] == 200
        assert found["/readyz"] == (503, "not_ready")
        for path in ("/v1/status", "/", "/metrics"):
            assert found[path] == (503, "database_unavailable"), path

    async def test_not_migrated(self, web: Web, viewer: dict[str, str], database: str) -> None:
        pool = await open_pool(at_database(database, "template1"), 2, "tests", at_start=0)
        async with TestClient(TestServer(build(pool, web.hasher, reader=None, pages_open=True))) as client:
            found = await self.paths(client, viewer)
            async with client.get("/readyz") as response:
                checks = (await response.json(content_type=None))["checks"]
        await pool.close()
        assert found["/readyz"] == (503, "not_ready")
        assert checks["database"] == "ok"
        assert "python -m app migrate" in checks["migrations"]
        assert found["/v1/status"] == (503, "database_unavailable")

    async def test_a_migration_behind_is_not_ready(self, web: Web) -> None:
        assert (await web.get("/readyz"))[0] == 200
        await web.pool.execute("DELETE FROM migrations WHERE name LIKE '0005%'")
        status, problem = await web.get("/readyz")
        assert (status, problem["code"]) == (503, "not_ready")
        assert "0005" in problem["checks"]["migrations"]

    async def test_connections_that_were_cut_are_replaced(self, web: Web, viewer: dict[str, str]) -> None:
        await rows.payment(web.pool, "m-1", "pay-1")
        assert (await web.get("/v1/payments/pay-1", viewer))[0] == 200
        await web.pool.execute(
            """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE datname = current_database() AND pid <> pg_backend_pid()"""
        )
        answers = [await web.get("/v1/payments/pay-1", viewer) for _ in range(8)]
        assert {status for status, _ in answers} <= {200, 503}
        assert answers[-1][0] == 200


async def problem_of(response: Any) -> ProblemDocument:
    """Checks the form that all errors have."""
    assert response.headers["Content-Type"].startswith("application/problem+json")
    document = msgspec.json.decode(await response.read(), type=ProblemDocument, strict=True)
    assert document.status == response.status == CODES[document.code][0]
    assert document.type == f"urn:tallystick:problem:{document.code}"
    assert document.request_id == response.headers["X-Request-Id"]
    return document
