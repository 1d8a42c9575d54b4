"""The platform's configuration as the lanes keep it."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from app.domain.configuration import Platform
from app.store.errors import translated


async def read_platform(pool: Any) -> Platform | None:
    """Of one lane partition (all get the same record); None before the first. Raises Transient."""
    with translated():
        state = await pool.fetchval(READ)
    return None if state is None else msgspec.json.decode(state, type=Platform)


READ: Final = "SELECT state FROM platform ORDER BY topic, partition LIMIT 1"
