"""The faults that a chaos draws from, each with its weight: how often it comes beside the others."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from tests.hazards import web_faults
from tests.hazards.faults import Hazards
from tests.hazards.posting import Poster

Fault = Callable[[Hazards], Awaitable[float | None]]
WebFault = Callable[[Hazards, Poster], Awaitable[float]]


async def _kill(hazards: Hazards) -> None:
    await hazards.kill(hazards.some_stayer())


async def _kill_all(hazards: Hazards) -> None:
    await hazards.kill_all(hazards.stayers)


async def _kill_twice(hazards: Hazards) -> None:
    """The second as soon as it runs again, before it owns anything."""
    name = hazards.some_stayer()
    await hazards.kill(name)
    await hazards.kill(name)


async def _pause(hazards: Hazards) -> float:
    return await hazards.pause_past_session(hazards.some_stayer())


async def _pause_in_transaction(hazards: Hazards) -> float:
    return await hazards.pause_in_transaction(hazards.some_stayer())


async def _join_and_leave(hazards: Hazards) -> float:
    return await hazards.leave(await hazards.join())


async def _two_join(hazards: Hazards) -> float:
    first = await hazards.join()
    second = await hazards.join()
    await hazards.leave(first)
    return await hazards.leave(second)


async def _terminate(hazards: Hazards) -> float:
    return await hazards.restart(hazards.some_stayer())


async def _broker(hazards: Hazards) -> None:
    await hazards.kill_broker()


async def _database(hazards: Hazards) -> None:
    await hazards.kill_database()


async def _both_servers(hazards: Hazards) -> None:
    await asyncio.gather(hazards.kill_broker(), hazards.kill_database())


async def _worker_and_broker(hazards: Hazards) -> None:
    await asyncio.gather(hazards.kill(hazards.some_stayer()), hazards.kill_broker())


async def _worker_and_database(hazards: Hazards) -> None:
    await asyncio.gather(hazards.kill(hazards.some_stayer()), hazards.kill_database())


async def _kill_while_joining(hazards: Hazards) -> float:
    victim = hazards.some_stayer()
    name, _ = await asyncio.gather(hazards.join(), hazards.kill(victim))
    return await hazards.leave(name)


async def _while_all_are_down(hazards: Hazards, change: Callable[[], Awaitable[None]]) -> None:
    await hazards.all_down()
    await change()
    hazards.all_up()


async def _offsets(hazards: Hazards) -> None:
    await _while_all_are_down(hazards, hazards.force_offsets)


async def _forged(hazards: Hazards) -> None:
    await _while_all_are_down(hazards, hazards.forge_tables)


async def _lost_changelogs(hazards: Hazards) -> None:
    await _while_all_are_down(hazards, hazards.lose_changelogs)


async def _swallowed(hazards: Hazards) -> None:
    await hazards.swallow(200)


async def _swallowed_unwatched(hazards: Hazards) -> None:
    await hazards.swallow(200, "blind")


WEB_FAULTS: Final[dict[str, tuple[WebFault, int]]] = {
    "kill -9 the web": (web_faults.kill_web, 4),
    "pause the web until senders give up": (web_faults.pause_web, 2),
    "kill -9 the web and the broker": (web_faults.kill_web_and_broker, 1),
    "kill -9 the web and a worker": (web_faults.kill_web_and_worker, 1),
}
FAULTS: Final[dict[str, tuple[Fault, int]]] = {
    "kill -9 a worker": (_kill, 8),
    "kill -9 a worker twice": (_kill_twice, 2),
    "kill -9 all workers": (_kill_all, 2),
    "pause past the session, wake at the takeover": (_pause, 8),
    "pause in a transaction, wake at the takeover": (_pause_in_transaction, 3),
    "one more worker joins and leaves (SIGTERM)": (_join_and_leave, 8),
    "two more workers join and leave": (_two_join, 2),
    "SIGTERM and restart": (_terminate, 3),
    "kill -9 the broker": (_broker, 2),
    "kill -9 the database": (_database, 3),
    "kill -9 broker and database": (_both_servers, 1),
    "kill -9 a worker and the broker": (_worker_and_broker, 1),
    "kill -9 a worker and the database": (_worker_and_database, 2),
    "kill -9 a worker while another joins": (_kill_while_joining, 3),
    "batches swallowed, watchdog on": (_swallowed, 2),
    "batches swallowed, watchdog off": (_swallowed_unwatched, 2),
    "group offsets forced": (_offsets, 1),
    "tables forged": (_forged, 1),
    "changelogs lost": (_lost_changelogs, 1),
}
"""What it says -> the fault and its weight. Each is met once before any is drawn."""
