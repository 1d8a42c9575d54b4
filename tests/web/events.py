"""Reads server-sent events as a browser does: names, data, and the id it would come back with."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
from aiohttp import ClientResponse

WITHIN_SECONDS = 20


class Events:
    def __init__(self, response: ClientResponse) -> None:
        self._response = response
        self.names: list[str] = []
        self.data: list[Any] = []
        self.last_id = ""
        self.comments = 0

    async def next(self) -> str:
        """The name of the next event; its data is the last of `data`."""
        name, data, event_id = "", "", self.last_id
        while True:
            line = (await self._line()).rstrip("\n")
            if line.startswith("event: "):
                name = line[7:]
            elif line.startswith("data: "):
                data = line[6:]
            elif line.startswith("id: "):
                event_id = line[4:]
            elif line.startswith(":"):
                self.comments += 1
            elif not line:
                self.last_id = event_id
                if data:
                    return self._got(name, msgspec.json.decode(data))

    async def line(self, condition: Callable[[str], Any]) -> None:
        """Read on until a line is as wanted."""
        async with asyncio.timeout(WITHIN_SECONDS):
            while not condition(line := await self._line()):
                self.comments += line.startswith(":")

    async def _line(self) -> str:
        line = await asyncio.wait_for(self._response.content.readline(), WITHIN_SECONDS)
        if not line:
            raise EOFError("the stream has ended")
        return line.decode()

    def _got(self, name: str, data: Any) -> str:
        self.names.append(name)
        self.data.append(data)
        self.take(name, data)
        return name

    def take(self, name: str, data: Any) -> None:
        """For tests that keep a state of their own."""

    async def until(self, condition: Callable[[], Any]) -> None:
        async with asyncio.timeout(WITHIN_SECONDS):
            while not condition():
                await self.next()
