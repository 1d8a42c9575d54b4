"""Looks at how the program itself does, one worker at a time, and tells the alerts lane what has changed.

Nothing is kept here: what was told is the lane's own row. A look that is lost, or made twice, costs nothing.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec

from app.contracts.codec import content_hash, encode
from app.domain.alert import PLATFORM_LANE
from app.domain.alert_records import ConditionNoticed
from app.domain.streams import ALERTS_COMMANDS
from app.errors import Transient
from app.kafka.outgoing import Outgoing
from app.kafka.partitioner import partition_for
from app.store.conditions import Look

log: Final = logging.getLogger(__name__)
EVERY_SECONDS: Final = 15.0


class Observer:
    """`look()`: what is so now, None while another worker looks; `publish` takes records for the log."""

    def __init__(
        self,
        look: Callable[[], Awaitable[Look | None]],
        publish: Callable[[Sequence[Outgoing]], Awaitable[None]],
        partitions: Mapping[str, int],
        every_seconds: float = EVERY_SECONDS,
    ) -> None:
        self._look = look
        self._publish = publish
        self._partition = partition_for(PLATFORM_LANE.encode(), partitions[ALERTS_COMMANDS])
        self._every_seconds = every_seconds

    async def run(self) -> None:
        """Until cancelled. Where database or broker cannot be reached, `app/effects/outage.py` tells."""
        while True:
            await asyncio.sleep(self._every_seconds)
            try:
                await self.observe()
            except Transient as fault:
                log.warning("conditions: %s", fault)

    async def observe(self) -> None:
        """One look; publishes what people have to hear. Raises Transient."""
        seen = await self._look()
        records = [] if seen is None else list(changes(seen, datetime.now(UTC)))
        if records:
            await self._publish([self._outgoing(record) for record in records])

    def _outgoing(self, record: ConditionNoticed) -> Outgoing:
        return Outgoing(ALERTS_COMMANDS, self._partition, PLATFORM_LANE.encode(), encode(record))


def changes(seen: Look, now: datetime) -> Iterable[ConditionNoticed]:
    """What begins, what has grown so much that it is told again, and what is well again."""
    if seen.platform is None or seen.platform.alerts is None:
        return
    growth = seen.platform.alerts.growth
    for key, condition in seen.failing.items():
        told = seen.told.get(key)
        if told is None or not told.open or condition.value >= max(told.told, 1) * growth:
            yield _record(key, True, condition.value, condition.detail, now)
    for key, told in seen.told.items():
        if told.open and key not in seen.failing:
            yield _record(key, False, 0, "", now)


def _record(key: tuple[str, str], failing: bool, value: int, detail: str, now: datetime) -> ConditionNoticed:
    record = msgspec.convert(
        {
            "type": "condition.noticed",
            "id": "-",
            "lane": PLATFORM_LANE,
            "name": key[0],
            "subject": key[1],
            "failing": failing,
            "value": value,
            "detail": detail,
            "at": now,
        },
        ConditionNoticed,
    )
    return msgspec.structs.replace(record, id=f"condition/{key[0]}/{content_hash(record).hex()}")
