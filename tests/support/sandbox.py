"""A sandbox PSP in the test's own process, over real HTTP, and a client that shows status and JSON."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Any, cast

import aiohttp

from app.sandbox.draft import Terms
from app.sandbox.faults import Faults
from app.sandbox.money import Plan
from app.sandbox.server import Options, Sandbox
from tests.support.waiting import eventually
from tests.support.webhooks import SANDBOX_SECRET

API_KEY = "sk_of_the_tests"
PLAN = Plan(bps=200, fixed=10, dispute=500, payout=25)
OURS = {"merchant_id": "m-1", "payment_id": "pay-1", "order_ref": "o-1"}
Json = dict[str, Any]


class Psp:
    """`url` of the running server; every call without a key of its own gets a new one."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self.url, self._session = url, session
        self._keys = count(1)
        self.headers: dict[str, str] = {}
        """Of the last answer."""

    async def post(self, path: str, body: Any = None, key: str | None = None) -> tuple[int, Json]:
        return await self.send("POST", path, body, {"Idempotency-Key": key or f"k-{next(self._keys)}"})

    async def get(self, path: str) -> tuple[int, Json]:
        return await self.send("GET", path)

    async def send(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> tuple[int, Json]:
        sent = {"Authorization": f"Bearer {API_KEY}", **(headers or {})}
        async with self._session.request(method, self.url + path, json=body, headers=sent) as answer:
            self.headers = dict(answer.headers)
            return answer.status, await answer.json()

    async def form(self, path: str, **fields: str) -> tuple[int, str]:
        """A browser's POST: status, and where it is sent on or the page's text."""
        async with self._session.post(self.url + path, data=fields, allow_redirects=False) as answer:
            return answer.status, answer.headers.get("Location") or await answer.text()

    async def page(self, path: str) -> str:
        async with self._session.get(self.url + path) as answer:
            return await answer.text()

    async def charge(self, amount: int = 10_000, token: str = "tok_ok", **more: Any) -> Json:
        body = {"amount": amount, "currency": "EUR", "token": token, "metadata": OURS, **more}
        return (await self.post("/v1/charges", body))[1]

    async def until(self, path: str, status: str) -> Json:
        """The object, when it has come so far."""

        async def so_far() -> Any:
            shown = (await self.get(path))[1]
            return shown if shown["status"] == status else None

        return cast(Json, await eventually(so_far, 5, f"{path} to be {status}"))

    async def shows(self, charge: str) -> Json:
        return (await self.get(f"/v1/charges/{charge}"))[1]

    async def books(self) -> Json:
        return (await self.get("/_control/books"))[1]


def options(faults: Json | None = None, terms: Json | None = None, **more: Any) -> Options:
    quick = {
        "payout_delay_seconds": 0.0,
        "return_delay_seconds": 0.0,
        "hang_seconds": 5.0,
        "slow_seconds": 0.3,
    }
    return Options(
        api_key=API_KEY,
        webhook_secret=SANDBOX_SECRET,
        faults=Faults(**{**quick, **(faults or {})}),
        terms=Terms(plan=PLAN, **(terms or {})),
        **more,
    )


@asynccontextmanager
async def sandbox(faults: Json | None = None, **more: Any) -> AsyncIterator[Psp]:
    async with Sandbox(options(faults, **more)) as running, aiohttp.ClientSession() as session:
        yield Psp(running.url, session)
