"""`/v1/schedules`: when reconciliation runs start by themselves."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

import msgspec

from app.domain.runs import Schedule as DomainSchedule
from app.domain.runs import ScheduleDelete, SchedulePut
from app.domain.streams import RECONCILIATION_COMMANDS
from app.store.runs import find_schedule, list_schedules
from web.body import NoBody
from web.call import Call, NoQuery, Reply, Write
from web.desk import request_id
from web.lane_records import by_of, preferred, store_record
from web.params import PositionText
from web.polling import Poller
from web.problems import Problem, invalid
from web.run_schemas import (
    Schedule,
    ScheduleBody,
    ScheduleList,
    calendar_of,
    schedule_of,
    scope_of,
    timing_of,
)
from web.schemas import Answer

ID_PATTERN: Final = "^[A-Za-z0-9][A-Za-z0-9._:@+-]{0,99}(?![\\s\\S])"
SCHEDULE_ID: Final = re.compile(ID_PATTERN)


class ScheduleQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`min_position`: the answer contains what was decided up to there."""

    min_position: PositionText | None = None


class Asked(Answer, frozen=True, kw_only=True):
    """Stored; its lane has not taken it within the caller's time, or there is nothing left to show."""

    id: str
    done: bool


async def get_schedules(call: Call[ScheduleQuery]) -> ScheduleList:
    await call.deps.positions.wait_for(call.query.min_position)
    now = datetime.now(UTC)
    return ScheduleList(items=[schedule_of(one, now) for one in await list_schedules(call.deps.pool)])


async def get_schedule(call: Call[ScheduleQuery]) -> Schedule:
    await call.deps.positions.wait_for(call.query.min_position)
    return schedule_of(await known_schedule(call.deps.pool, call.path["id"]), datetime.now(UTC))


async def put_schedule(call: Write[NoQuery, ScheduleBody]) -> Reply:
    schedule_id, by = call.path["id"], by_of(call.caller)
    if not SCHEDULE_ID.fullmatch(schedule_id):
        raise invalid("id", "must be 1 to 100 letters, digits and . _ : @ + -")
    asked = request_id(f"staff/{by} {schedule_id}", call.route, call.key)
    command = put_of(call.body, schedule_id, asked, by)
    before = await find_schedule(call.deps.pool, schedule_id)
    await store_record(call.deps, RECONCILIATION_COMMANDS, schedule_id, command)
    found = await _wait(call, schedule_id, lambda now: now is not None and _is_as(now, command))
    if found is None or not _is_as(found, command):
        return Reply(schedule_of(_asked_for(command), datetime.now(UTC)), 202, preferred(call))
    return Reply(schedule_of(found, datetime.now(UTC)), 201 if before is None else 200, preferred(call))


async def delete_schedule(call: Write[NoQuery, NoBody]) -> Reply:
    schedule_id, by = call.path["id"], by_of(call.caller)
    await known_schedule(call.deps.pool, schedule_id)
    asked = request_id(f"staff/{by} {schedule_id}", f"DELETE {call.route}", call.key)
    command = ScheduleDelete(id=asked, schedule_id=schedule_id, by=by)
    await store_record(call.deps, RECONCILIATION_COMMANDS, schedule_id, command)
    left = await _wait(call, schedule_id, lambda now: now is None)
    return Reply(Asked(id=schedule_id, done=left is None), 200 if left is None else 202, preferred(call))


def put_of(body: ScheduleBody, schedule_id: str, record_id: str, by: str) -> SchedulePut:
    """Raises Problem `invalid_parameter` that names the part at fault."""
    return SchedulePut(
        id=record_id,
        schedule_id=schedule_id,
        name=body.name,
        scope=scope_of(body.scope),
        timing=_checked("timing", lambda: timing_of(body.timing)),
        calendar=_checked("calendar", lambda: calendar_of(body.calendar)),
        covers=body.covers,
        enabled=body.enabled,
        by=by,
    )


async def known_schedule(pool: Any, schedule_id: str) -> DomainSchedule:
    """Raises Problem `not_found`."""
    schedule = await find_schedule(pool, schedule_id)
    if schedule is None:
        raise Problem("not_found", f"no schedule {schedule_id!r}")
    return schedule


def _asked_for(command: SchedulePut) -> DomainSchedule:
    """What a schedule will be that its lane has not taken yet; its next time is not known."""
    return DomainSchedule(
        schedule_id=command.schedule_id,
        name=command.name,
        scope=command.scope,
        timing=command.timing,
        calendar=command.calendar,
        covers=command.covers,
        enabled=command.enabled,
        changed_at=datetime.now(UTC),
        changed_by=command.by,
    )


def _checked(name: str, read: Callable[[], Any]) -> Any:
    try:
        return read()
    except ValueError as error:
        raise invalid(name, str(error)) from None


def _is_as(found: DomainSchedule, command: SchedulePut) -> bool:
    names = ("name", "scope", "timing", "calendar", "covers", "enabled")
    same = all(getattr(found, name) == getattr(command, name) for name in names)
    return same and found.changed_by == command.by


async def _wait(
    call: Write[Any, Any], schedule_id: str, enough: Callable[[DomainSchedule | None], bool]
) -> DomainSchedule | None:
    poller: Poller[str, DomainSchedule] = Poller(partial(_by_id, call.deps.pool))
    try:
        async with asyncio.timeout(call.wait.seconds):
            return await poller.until(schedule_id, enough)
    except TimeoutError:
        return await find_schedule(call.deps.pool, schedule_id)
    finally:
        await poller.stop()


async def _by_id(pool: Any, ids: Collection[str]) -> dict[str, DomainSchedule]:
    found = [await find_schedule(pool, schedule_id) for schedule_id in ids]
    return {schedule.schedule_id: schedule for schedule in found if schedule is not None}
