"""`GET /v1/mismatches/{id}/audit`, `GET /v1/audit` and the page `/audit`: who did what."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from aiohttp import web

from app.domain.audit import AuditEntry
from app.domain.fields import Moment
from app.store.web_audit import entry_id, entry_time, first_broken, read_chain, read_latest
from app.store.web_mismatches import find_mismatch
from web import render
from web.call import Call, NoQuery
from web.cursors import cut, read_cursor, write_cursor
from web.deps import DEPS
from web.mismatch_bodies import ActionName
from web.params import Limit, Text, read_query
from web.problems import Problem
from web.request_fields import Name
from web.schemas import Answer

PAGE_ROWS = 100


class AuditKey(msgspec.Struct, array_like=True, forbid_unknown_fields=True, tag="audit"):
    at: Moment
    id: Name


class AuditQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`actor`: as the entries name people, `key:…` or `person:…`."""

    actor: Text | None = None
    action: ActionName | None = None
    cursor: Annotated[str, msgspec.Meta(max_length=2000)] | None = None
    limit: Limit = 50


class AuditRecord(Answer, frozen=True, kw_only=True):
    """One action. `before`, `after`: what of the mismatch people go by. `hash`: SHA-256 over the canonical

    JSON of the rest, which names the hash of the entry before.
    """

    mismatch_id: str
    seq: int
    action: str
    from_status: str
    to_status: str
    actor: str
    role: str
    approver: str | None
    at: Moment
    reason_code: str | None
    note: str | None
    before: dict[str, Any]
    after: dict[str, Any]
    rule_version: int | None
    record_ids: list[str]
    transaction_id: str | None
    request_id: str | None
    source_address: str | None
    previous_hash: str
    hash: str


class AuditChain(Answer, frozen=True, kw_only=True):
    """In the order of the actions. `first_broken`: the first whose hash is not its content's; null: none."""

    items: list[AuditRecord]
    first_broken: int | None


class AuditPage(Answer, frozen=True, kw_only=True):
    """Newest first."""

    items: list[AuditRecord]
    has_more: bool
    next_cursor: str | None


async def get_chain(call: Call[NoQuery]) -> AuditChain:
    pool, mismatch_id = call.deps.pool, call.path["id"]
    chain = await read_chain(pool, mismatch_id)
    if not chain and await find_mismatch(pool, mismatch_id) is None:
        raise Problem("not_found", f"no mismatch {mismatch_id!r}")
    return AuditChain(items=[record_of(entry) for entry in chain], first_broken=first_broken(chain))


async def get_audit(call: Call[AuditQuery]) -> AuditPage:
    return await page_of(call.deps.pool, call.query, call.query.limit)


async def page_of(pool: Any, query: AuditQuery, limit: int) -> AuditPage:
    key = read_cursor(query.cursor, AuditKey)
    after = (entry_time(key.at), key.id) if key else None
    rows, has_more = cut(await read_latest(pool, limit + 1, after, query.actor, query.action), limit)
    return AuditPage(
        items=[record_of(entry) for entry in rows],
        has_more=has_more,
        next_cursor=write_cursor(AuditKey(rows[-1].at, entry_id(rows[-1]))) if has_more else None,
    )


def record_of(entry: AuditEntry) -> AuditRecord:
    fields = {name: getattr(entry, name) for name in entry.__struct_fields__}
    return AuditRecord(**{**fields, "record_ids": list(entry.record_ids)})


async def get_audit_page(request: web.Request) -> web.StreamResponse:
    query = read_query(request.query, AuditQuery)
    page = await page_of(request.app[DEPS].pool, query, PAGE_ROWS)
    return web.Response(text=render.page("audit.html", query=query, page=page), content_type="text/html")
