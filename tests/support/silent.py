"""A server that takes connections and never says a word."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Silence:
    """`address` as host:port; `open` counts the connections that are up."""

    def __init__(self) -> None:
        self.address = ""
        self.open = self.taken = 0

    async def _listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        self.taken += 1
        try:
            while await reader.read(65_536):
                pass
        except ConnectionError:
            pass
        finally:
            self.open -= 1
            writer.close()


@asynccontextmanager
async def silent_server() -> AsyncIterator[Silence]:
    silence = Silence()
    server = await asyncio.start_server(silence._listen, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()[:2]
    silence.address = f"{host}:{port}"
    try:
        yield silence
    finally:
        server.close()
        await server.wait_closed()
