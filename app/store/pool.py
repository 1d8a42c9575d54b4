"""The pool of connections to PostgreSQL, with every wait bounded."""

from __future__ import annotations

import contextlib
from typing import Any, Final

import asyncpg

from app.store.errors import translated

STATEMENT_SECONDS: Final = 10.0
"""After so long the server gives a statement up; the client waits a little longer, for its answer."""
CONNECT_SECONDS: Final = 5.0
RELEASE_SECONDS: Final = 5.0
"""For the server to confirm that a cancelled statement has ended; after that the connection is dropped."""

SERVER_SETTINGS: Final = {
    "statement_timeout": f"{STATEMENT_SECONDS:.0f}s",
    "idle_in_transaction_session_timeout": f"{STATEMENT_SECONDS:.0f}s",
    "jit": "off",  # statements are short and many
    "timezone": "UTC",
    "synchronous_commit": "on",
    "tcp_keepalives_idle": "5",  # a server that vanished is noticed, not waited for
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
}


async def open_pool(dsn: str, most_connections: int, application_name: str, *, at_start: int = 1) -> Any:
    """A connected pool. Raises Transient where the server is away, ConfigurationError where it refuses us.

    `at_start`: connections made at once; with 0 the first use connects, and nothing is raised here.
    """
    with translated():
        return await _Pool(
            dsn,
            min_size=at_start,
            max_size=most_connections,
            max_queries=50_000,
            max_inactive_connection_lifetime=300.0,
            loop=None,
            connection_class=asyncpg.Connection,
            record_class=asyncpg.Record,
            timeout=CONNECT_SECONDS,
            command_timeout=STATEMENT_SECONDS + 2,
            server_settings={**SERVER_SETTINGS, "application_name": application_name},
            reset=_keep,
        )


class _Pool(asyncpg.Pool):
    """Takes every connection back. asyncpg 0.31's own pool loses the place of one that the server cut

    - as it was lent out: a statement then meets the server's farewell, and the protocol closes, not telling
      the pool, which in turn takes a closed connection for one whose place was freed;
    - while a cancelled statement was waited for: that wait has no end.
    """

    async def release(self, connection: Any, *, timeout: float | None = None) -> None:
        try:
            if connection.is_closed():
                connection.terminate()  # frees the place; there is nothing left to close
                return
        except asyncpg.InterfaceError:
            return  # given back already
        with contextlib.suppress(TimeoutError):
            await super().release(connection, timeout=RELEASE_SECONDS if timeout is None else timeout)


async def _keep(connection: Any) -> None:
    """Nothing is left behind in a session here, so the usual clean-up round trip is saved.

    But for a transaction that was cut off in the middle: it may run under a role of its own
    (`merchant_scope.py`). An error here closes the connection.
    """
    if connection.is_in_transaction():
        await connection.execute("ROLLBACK")
