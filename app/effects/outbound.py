"""The HTTP client for addresses that merchants name: it reaches public ones only and remembers nothing."""

from __future__ import annotations

import asyncio
import socket
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from app.effects.public_addresses import PublicAddresses

CONNECT_SECONDS: Final = 5.0
KEEP_NAMES_SECONDS: Final = 30
RESOLVER_THREADS: Final = 256
"""Names that hang hold one each, for as long as the system's resolver waits; the others need theirs."""
LONGEST_HEADER_BYTES: Final = 8 * 1024


class OwnThreads(AbstractResolver):
    """The system's resolver, in threads of its own: a name that hangs must not hold up the program's own."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(RESOLVER_THREADS, thread_name_prefix="outbound-names")
        self._under_way: dict[tuple[str, int], Future[list[Any]]] = {}

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await asyncio.shield(asyncio.wrap_future(self._found(host, family)))
        if not found:  # aiohttp's cache of names cannot hold an empty answer
            raise OSError(f"{host} has no address")
        return [
            ResolveResult(
                hostname=host, host=str(where[0]), port=port, family=kind, proto=protocol, flags=_NUMERIC
            )
            for kind, _, protocol, _, where in found
        ]

    def _found(self, host: str, family: int) -> Future[list[Any]]:
        """One thread per name: who asks again, after giving up, waits for the same answer."""
        known = self._under_way.get((host, family))
        if known is None:
            known = self._under_way[host, family] = self._threads.submit(_look_up, host, family)
            known.add_done_callback(lambda _: self._under_way.pop((host, family), None))
        return known

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


_NUMERIC: Final = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV


def _look_up(host: str, family: int) -> list[Any]:
    flags = socket.AI_ADDRCONFIG
    return list(socket.getaddrinfo(host, None, family=family, type=socket.SOCK_STREAM, flags=flags))


def open_session(
    addresses: PublicAddresses, timeout_seconds: float, resolver: AbstractResolver | None = None
) -> aiohttp.ClientSession:
    """No proxy, no cookies, no decompression; redirects are for the caller not to follow.

    `limit=0`: who may connect is the executor's to say; a bound here would let hanging endpoints starve
    the others.
    """
    connector = aiohttp.TCPConnector(
        limit=0,
        resolver=resolver or OwnThreads(),
        ttl_dns_cache=KEEP_NAMES_SECONDS,
        socket_factory=addresses.open_socket,
    )
    return aiohttp.ClientSession(
        connector=connector,
        timeout=aiohttp.ClientTimeout(
            total=timeout_seconds, sock_connect=min(CONNECT_SECONDS, timeout_seconds)
        ),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        trust_env=False,
        headers={"Accept-Encoding": "identity"},
        max_line_size=LONGEST_HEADER_BYTES,
        max_field_size=LONGEST_HEADER_BYTES,
    )
