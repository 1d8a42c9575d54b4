"""The pool of connections to PostgreSQL, with every wait bounded."""

from __future__ import annotations

from typing import Any, Final

import asyncpg

from app.store.errors import translated

STATEMENT_SECONDS: Final = 10.0
"""After so long the server gives a statement up; the client waits a little longer, for its answer."""
CONNECT_SECONDS: Final = 5.0

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
        return await asyncpg.create_pool(
            dsn,
            min_size=at_start,
            max_size=most_connections,
            timeout=CONNECT_SECONDS,
            command_timeout=STATEMENT_SECONDS + 2,
            max_inactive_connection_lifetime=300.0,
            server_settings={**SERVER_SETTINGS, "application_name": application_name},
            reset=_keep,
        )


async def _keep(connection: Any) -> None:
    """Nothing is left behind in a session here, so the usual clean-up round trip is saved."""
