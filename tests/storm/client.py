"""A merchant's program as it should be: every request has its key, and is asked again until it is answered.

What the network loses is asked again under the same key; that the answer is one and the same is part of what
the storm proves.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from random import Random
from typing import Any, Final, NamedTuple

import aiohttp
import orjson

ANSWER_SECONDS: Final = 15.0
AGAIN_SECONDS: Final = 0.25
PATIENCE_SECONDS: Final = 180.0
UNDER_WAY: Final = frozenset({"executing", "unknown"})
"""Statuses that will change without anybody doing anything."""


class Answer(NamedTuple):
    """`body`: the decoded document; a problem's where `status` is 4xx."""

    status: int
    body: dict[str, Any]
    replayed: bool

    @property
    def accepted(self) -> bool:
        return self.status < 300


class NotReproducible(AssertionError):
    """The same key gave another answer."""


class Client:
    """Asks any of several web processes. `repeats`: the share of requests that are sent again on purpose."""

    def __init__(self, urls: Sequence[str], key: str, random: Random, repeats: float) -> None:
        self._urls, self._random, self._repeats = urls, random, repeats
        self._session = aiohttp.ClientSession(
            headers={"Authorization": f"Bearer {key}"},
            timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS),
        )
        self.answers: Counter[str] = Counter()

    async def post(self, path: str, body: dict[str, Any], key: str) -> Answer:
        """The answer that decides it. Some are asked twice, and must be answered alike.

        202 says that it is not decided yet, or not through: asking again says what has become of it.
        """
        answer = await self._until_answered("POST", path, body, key)
        deadline = asyncio.get_running_loop().time() + PATIENCE_SECONDS
        while answer.status == 202 and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(AGAIN_SECONDS)
            answer = await self._until_answered("POST", path, body, key)
        if self._random.random() < self._repeats:
            again = await self._until_answered("POST", path, body, key)
            self._must_agree(path, key, answer, again)
        return answer

    async def get(self, path: str) -> dict[str, Any]:
        return (await self._until_answered("GET", path, None, None)).body

    async def until_final(self, payment_id: str) -> dict[str, Any]:
        """The payment as soon as nothing is in flight; as it is then where patience ends."""
        payment: dict[str, Any] = {}
        loop = asyncio.get_running_loop()
        deadline = loop.time() + PATIENCE_SECONDS
        while loop.time() < deadline:
            payment = await self.get(f"v1/payments/{payment_id}")
            if payment.get("status", "executing") not in UNDER_WAY:
                break
            await asyncio.sleep(AGAIN_SECONDS)
        return payment

    async def _until_answered(
        self, method: str, path: str, body: dict[str, Any] | None, key: str | None
    ) -> Answer:
        loop = asyncio.get_running_loop()
        deadline, last = loop.time() + PATIENCE_SECONDS, "nothing"
        while loop.time() < deadline:
            try:
                answer = await self._once(method, path, body, key)
            except (TimeoutError, aiohttp.ClientError) as error:
                last = repr(error)
                self.answers["no answer"] += 1
            else:
                self.answers[str(answer.status)] += 1
                if answer.status < 500 and answer.status != 429:
                    return answer
                last = f"{answer.status} {answer.body.get('code')}"
            await asyncio.sleep(AGAIN_SECONDS)
        raise AssertionError(f"{method} {path} was not answered in {PATIENCE_SECONDS:.0f} s: {last}")

    async def _once(self, method: str, path: str, body: dict[str, Any] | None, key: str | None) -> Answer:
        url = self._random.choice(self._urls) + path
        headers = {"Content-Type": "application/json"} if body is not None else {}
        if key is not None:
            headers["Idempotency-Key"] = key
        data = None if body is None else orjson.dumps(body)
        async with self._session.request(method, url, data=data, headers=headers) as response:
            document = orjson.loads(await response.read() or b"{}")
            replayed = response.headers.get("Idempotent-Replayed") == "true"
            return Answer(response.status, document, replayed)

    def _must_agree(self, path: str, key: str, one: Answer, again: Answer) -> None:
        same = one.accepted == again.accepted and one.body.get("id") == again.body.get("id")
        told = again.replayed or again.status == 202  # not decided yet: nobody can know which was the first
        if not same or not told:
            raise NotReproducible(f"{path} with key {key}: {one}, then {again}")

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()
