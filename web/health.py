"""`/healthz`: this process runs. `/readyz`: it could answer, because the database is there and migrated."""

from __future__ import annotations

import asyncio
from typing import Final

from app.store.web_errors import is_unavailable
from web.call import Call, NoQuery
from web.problems import Problem
from web.schemas import Health, Readiness

WITHIN_SECONDS: Final = 3.0


async def get_health(call: Call[NoQuery]) -> Health:
    return Health(status="ok")


async def get_readiness(call: Call[NoQuery]) -> Readiness:
    checks = await _checks(call)
    if any(result != "ok" for result in checks.values()):
        raise Problem("not_ready", headers={"Retry-After": "2"}, checks=checks)
    return Readiness(status="ready", checks=checks)


async def _checks(call: Call[NoQuery]) -> dict[str, str]:
    """No error texts of the driver: they name hosts and users, and this route needs no key."""
    try:
        async with asyncio.timeout(WITHIN_SECONDS):
            complaint = await call.deps.schema_complaint()
    except Exception as error:
        if not is_unavailable(error):
            raise
        return {"database": "does not answer", "migrations": "unknown"}
    return {"database": "ok", "migrations": complaint or "ok"}
