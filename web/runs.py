"""`/v1/reconciliations`: looks at a scope, asked for by people; their reports."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from app.domain.fields import Moment
from app.domain.runs import Run as DomainRun
from app.domain.runs import RunRequest
from app.domain.streams import RECONCILIATION_COMMANDS
from app.store.runs import find_run, list_runs
from web.call import Call, NoQuery, Reply, Write
from web.cursors import cut, read_cursor, write_cursor
from web.desk import digest_of
from web.lane_records import by_of, preferred, store_record
from web.params import Limit, PositionText, Text
from web.polling import Poller
from web.problems import Problem, invalid
from web.request_fields import Name
from web.run_schemas import NewRun, Run, RunPage, run_of, scope_of


class RunsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`schedule_id`: runs of that schedule."""

    schedule_id: Text | None = None
    status: Literal["requested", "done", "failed"] | None = None
    cursor: Annotated[str, Meta(max_length=1000)] | None = None
    limit: Limit = 50
    min_position: PositionText | None = None


class OneRunQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`min_position`: the answer contains what was decided up to there."""

    min_position: PositionText | None = None


class RunKey(msgspec.Struct, array_like=True, forbid_unknown_fields=True, tag="runs"):
    requested_at: Moment
    id: Name


async def create_run(call: Write[NoQuery, NewRun]) -> Reply:
    """The key of a person stands for one run: asked again, the same run is answered."""
    command = request_of(call.body, f"staff/{by_of(call.caller)}", call.route, call.key, by_of(call.caller))
    found = await find_run(call.deps.pool, command.run_id)
    if found is not None:
        _check_same(found, command)
        return Reply(run_of(found), 200, {"Idempotent-Replayed": "true", **preferred(call)})
    await store_record(call.deps, RECONCILIATION_COMMANDS, command.run_id, command)
    run = await _finished(call, command.run_id)
    if run is None:
        return Reply(_awaited(command), 202, preferred(call))
    _check_same(run, command)
    return Reply(run_of(run), 202 if run.status == "requested" else 201, preferred(call))


def request_of(body: NewRun, owner: str, route: str, key: str, by: str) -> RunRequest:
    """Raises Problem `invalid_parameter`."""
    digest = digest_of(owner, route, key)
    try:
        scope = scope_of(body)
    except ValueError as error:
        raise invalid("from", str(error).removeprefix("from: ")) from None
    return RunRequest(
        id=f"rq_{digest}",
        run_id=f"run_{digest}",
        scope=scope,
        as_of=body.as_of,
        known_at=body.known_at,
        by=by,
    )


async def list_all_runs(call: Call[RunsQuery]) -> RunPage:
    query = call.query
    after = read_cursor(query.cursor, RunKey)
    await call.deps.positions.wait_for(query.min_position)
    end = None if after is None else (after.requested_at, after.id)
    found = await list_runs(call.deps.pool, query.limit + 1, end, query.schedule_id, query.status)
    page, has_more = cut(found, query.limit)
    return RunPage(
        items=[run_of(run) for run in page],
        has_more=has_more,
        next_cursor=write_cursor(RunKey(page[-1].requested_at, page[-1].run_id)) if has_more else None,
    )


async def get_run(call: Call[OneRunQuery]) -> Run:
    await call.deps.positions.wait_for(call.query.min_position)
    return run_of(await known_run(call.deps.pool, call.path["id"]))


async def known_run(pool: Any, run_id: str) -> DomainRun:
    """Raises Problem `not_found`."""
    run = await find_run(pool, run_id)
    if run is None:
        raise Problem("not_found", f"no run {run_id!r}")
    return run


def _check_same(run: DomainRun, command: RunRequest) -> None:
    same_day = command.as_of is None or command.as_of == run.as_of
    if (run.scope, run.known_at) != (command.scope, command.known_at) or not same_day:
        raise Problem("idempotency_conflict", "the key belongs to a run of another scope")


def _awaited(command: RunRequest) -> Run:
    """What is known of a run that its lane has not taken yet."""
    now = datetime.now(UTC)
    return run_of(
        DomainRun(
            run_id=command.run_id,
            scope=command.scope,
            as_of=command.as_of or now.date(),
            known_at=command.known_at,
            by=command.by,
            requested_at=now,
        )
    )


async def _finished(call: Write[Any, Any], run_id: str) -> DomainRun | None:
    """The run when it has ended, else as it stands when its caller's time is up."""
    poller: Poller[str, DomainRun] = Poller(partial(_by_id, call.deps.pool))
    try:
        async with asyncio.timeout(call.wait.seconds):
            return await poller.until(run_id, lambda run: run is not None and run.status != "requested")
    except TimeoutError:
        return await find_run(call.deps.pool, run_id)
    finally:
        await poller.stop()


async def _by_id(pool: Any, ids: Collection[str]) -> dict[str, DomainRun]:
    found = [await find_run(pool, run_id) for run_id in ids]
    return {run.run_id: run for run in found if run is not None}
