"""Pages of reconciliation runs, their schedules and the trial balance; forms for those who may start them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from secrets import token_hex
from typing import Annotated, Any, Final, TypeVar

import msgspec
from aiohttp import web
from msgspec import Meta

from app.domain.fields import Moment
from app.domain.runs import ScheduleDelete
from app.domain.streams import RECONCILIATION_COMMANDS
from app.run_tables import Amount, tables_of
from app.store.runs import find_schedule, list_runs, list_schedules
from app.store.trial_balance import Detail, periods, trial_balance
from web import render
from web.call import ROLES, Access
from web.cursors import cut, read_cursor, write_cursor
from web.deps import DEPS
from web.desk import request_id
from web.lane_records import by_of, store_record
from web.params import check_path, read_query
from web.problems import Problem, invalid
from web.run_schemas import NewRun, ScheduleBody, next_times
from web.runs import RunKey, known_run, request_of
from web.schedules import SCHEDULE_ID, put_of
from web.trial_balance import by_currency
from web.visitor import caller_of

PAGE_ROWS: Final = 50
LIST_FIELDS: Final = re.compile(r"[,\s]+")
Form = Mapping[str, Any]
Body = TypeVar("Body", bound=msgspec.Struct)


class RunsPageQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    cursor: Annotated[str, Meta(max_length=1000)] | None = None
    schedule_id: Annotated[str, Meta(max_length=200)] | None = None


class BalancePageQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    as_of: date | None = None
    known_at: Moment | None = None
    detail: Detail = "kind"


async def get_runs_page(request: web.Request) -> web.StreamResponse:
    query, pool = read_query(request.query, RunsPageQuery), request.app[DEPS].pool
    after = read_cursor(query.cursor, RunKey)
    end = None if after is None else (after.requested_at, after.id)
    page, has_more = cut(await list_runs(pool, PAGE_ROWS + 1, end, query.schedule_id), PAGE_ROWS)
    return _html(
        "runs.html",
        runs=page,
        schedule_id=query.schedule_id,
        more=write_cursor(RunKey(page[-1].requested_at, page[-1].run_id)) if has_more else None,
        may_start=_may(request, Access.WORKERS),
        key=token_hex(16),
        today=datetime.now(UTC).date(),
    )


async def get_run_page(request: web.Request) -> web.StreamResponse:
    """While the report is being made the page looks again by itself."""
    check_path(request.match_info)
    run = await known_run(request.app[DEPS].pool, request.match_info["id"])
    tables = [] if run.report is None else list(tables_of(run.report))
    return _html("run.html", run=run, tables=tables, is_amount=lambda cell: isinstance(cell, Amount))


async def post_run(request: web.Request) -> web.StreamResponse:
    caller, form = caller_of(request), await request.post()
    by = by_of(caller)
    given = {"from": _filled(form, "from"), "to": _filled(form, "to"), "as_of": _filled(form, "as_of")}
    names = ("source", "merchant_id", "payment_id", "invoice_id")
    body = _converted(given | {name: _filled(form, name) for name in names}, NewRun)
    command = request_of(body, f"staff/{by}", "/runs", str(form.get("key", "")), by)
    await store_record(request.app[DEPS], RECONCILIATION_COMMANDS, command.run_id, command)
    raise web.HTTPSeeOther(f"/runs/{command.run_id}")


async def get_schedules_page(request: web.Request) -> web.StreamResponse:
    now = datetime.now(UTC)
    found = await list_schedules(request.app[DEPS].pool)
    return _html(
        "schedules.html",
        schedules=[(one, next_times(one, now)) for one in found],
        may_change=_may(request, Access.LEADS),
        key=token_hex(16),
        chosen=next((one for one in found if one.schedule_id == request.query.get("edit")), None),
    )


async def post_schedule(request: web.Request) -> web.StreamResponse:
    """Makes, replaces or (field `delete`) deletes one."""
    deps, form, by = request.app[DEPS], await request.post(), by_of(caller_of(request))
    schedule_id = str(form.get("id", "")).strip()
    if not SCHEDULE_ID.fullmatch(schedule_id):
        raise invalid("id", "must be 1 to 100 letters, digits and . _ : @ + -")
    action = "delete" if "delete" in form else "put"
    asked = request_id(f"staff/{by} {schedule_id} {action}", "/schedules", str(form.get("key", "")))
    if action == "delete":
        if await find_schedule(deps.pool, schedule_id) is None:
            raise Problem("not_found", f"no schedule {schedule_id!r}")
        record: msgspec.Struct = ScheduleDelete(id=asked, schedule_id=schedule_id, by=by)
    else:
        record = put_of(_schedule_body(form), schedule_id, asked, by)
    await store_record(deps, RECONCILIATION_COMMANDS, schedule_id, record)
    raise web.HTTPSeeOther("/schedules")


async def get_trial_balance_page(request: web.Request) -> web.StreamResponse:
    query, pool = read_query(request.query, BalancePageQuery), request.app[DEPS].pool
    rows = await trial_balance(pool, query.as_of, query.known_at, query.detail)
    today = datetime.now(UTC).date()
    return _html(
        "trial_balance.html",
        query=query,
        currencies=by_currency(rows),
        periods=await periods(pool),
        month=(today.replace(day=1) - timedelta(days=1)).strftime("%Y-%m"),
    )


def _schedule_body(form: Any) -> ScheduleBody:
    kind = str(form.get("kind", "daily"))
    zone, cut_off = _filled(form, "time_zone"), _filled(form, "cut_off")
    holidays = [day for day in LIST_FIELDS.split(str(form.get("holidays", "")).strip()) if day]
    calendar = {"time_zone": zone or "UTC", "cut_off": cut_off, "holidays": holidays}
    timing: dict[str, Any] = {"kind": kind, "business_days": "business_days" in form}
    timing |= {"at": _filled(form, "at") or "06:00"}
    if kind == "cron":
        timing["cron"] = _filled(form, "cron")
    if weekdays := form.getall("weekdays", []):
        timing["weekdays"] = [int(day) for day in weekdays if str(day).isdigit()]
    fields = {
        "name": str(form.get("name", "")),
        "scope": {name: _filled(form, name) for name in ("source", "merchant_id")},
        "timing": timing,
        "calendar": calendar if zone or cut_off or holidays else None,
        "covers": str(form.get("covers", "day")),
        "enabled": "enabled" in form,
    }
    return _converted(fields, ScheduleBody)


def _filled(form: Form, name: str) -> str | None:
    return str(form.get(name, "")).strip() or None


def _converted(fields: dict[str, Any], wanted: type[Body]) -> Body:
    """Raises Problem `invalid_parameter` in msgspec's words."""
    try:
        return msgspec.convert(fields, wanted)
    except msgspec.ValidationError as error:
        raise invalid("form", str(error)) from None


def _may(request: web.Request, access: Access) -> bool:
    return caller_of(request).role in ROLES[access]


def _html(template: str, **context: Any) -> web.Response:
    return web.Response(text=render.page(template, **context), content_type="text/html")
