"""From a request to its answer: taken by the desk, then awaited until its PSP has answered or time is up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Generic, Protocol, TypeVar

import msgspec

from app.domain.command_base import MerchantCommand
from app.store.web_lists import Owned
from web.call import Reply, Write
from web.polling import Poller
from web.schemas import Underway

UNDER_WAY: Final = frozenset({"executing", "unknown"})
"""Of a payment or an operation: the PSP has not said yet what became of it."""


class Versioned(Protocol):
    @property
    def version(self) -> int: ...


Row = TypeVar("Row", bound=Versioned)


@dataclass(frozen=True, slots=True)
class Awaited(Generic[Row]):
    """What a request makes or moves, and where it is seen. `id`: what the answer calls it."""

    id: str
    poller: Poller[Owned, Row]
    owned: Owned
    is_settled: Callable[[Row], bool]
    answer: Callable[[Row], msgspec.Struct]


async def carry_out(call: Write[Any, Any], command: MerchantCommand, awaited: Awaited[Row]) -> Reply:
    """201 once it is settled, 200 where it was before, 202 where it is not within the caller's time."""
    until = asyncio.get_running_loop().time() + call.wait.seconds
    taken = await call.deps.desk.take(command, until)
    row = await _row(awaited, until) if taken.decided else None
    headers = {**taken.headers, **({"Preference-Applied": call.wait.applied} if call.wait.applied else {})}
    if row is None:
        return Reply(Underway(merchant_id=command.merchant_id, id=awaited.id), 202, headers)
    status = 202 if not awaited.is_settled(row) else 200 if taken.replayed else 201
    return Reply(awaited.answer(row), status, headers)


async def _row(awaited: Awaited[Row], until: float) -> Row | None:
    """The resource when it is settled, else as it stands when time is up."""
    try:
        async with asyncio.timeout_at(until):
            return await awaited.poller.until(awaited.owned, _settled(awaited))
    except TimeoutError:
        return await awaited.poller.once(awaited.owned)


def _settled(awaited: Awaited[Row]) -> Callable[[Row | None], bool]:
    """Looks into a row again only when it has changed."""
    seen: int | None = None

    def is_settled(row: Row | None) -> bool:
        nonlocal seen
        if row is None or row.version == seen:
            return False
        seen = row.version
        return awaited.is_settled(row)

    return is_settled
