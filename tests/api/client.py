"""A client in a process of its own: sends the same request so often at once, and prints the answers as JSON.

python -m tests.api.client URL KEY PATH IDEMPOTENCY_KEY TIMES BODY
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from aiohttp import ClientSession


async def once(session: ClientSession, url: str, key: str, idempotency_key: str, body: Any) -> Any:
    headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": idempotency_key, "Prefer": "wait=10"}
    async with session.post(url, json=body, headers=headers) as answer:
        document = await answer.json(content_type=None)
        return [answer.status, document, answer.headers.get("Idempotent-Replayed")]


async def main(url: str, key: str, path: str, idempotency_key: str, times: str, body: str) -> None:
    async with ClientSession() as session:
        calls = [once(session, url + path, key, idempotency_key, json.loads(body)) for _ in range(int(times))]
        print(json.dumps(await asyncio.gather(*calls)))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
