"""The page of one mismatch, with what people may do about it as forms; and the same for several at once."""

from __future__ import annotations

from secrets import token_hex
from typing import Any, Final
from urllib.parse import quote

from aiohttp import web
from multidict import MultiDict, MultiMapping

from app.domain.workflow_state import ProposalKind
from app.store.web_audit import read_chain
from app.store.web_mismatches import MismatchDetails
from web import render
from web.acting import Asking, act, found_mismatch, target_of
from web.deps import DEPS, Deps
from web.evidence import evidence_of
from web.mismatch_bodies import MOST_AT_ONCE, ActionName, Note, ReasonCode, TargetBody
from web.params import check_path, read_query
from web.payment_bodies import RequestBody
from web.problems import Problem, invalid
from web.request_fields import Name
from web.visitor import CSRF_FIELD, caller_of
from web.work import actor_of, work_of

WAIT_SECONDS: Final = 8.0
ROUTE: Final = "/mismatches/{id}/actions"
SHOWN_AGAIN: Final = frozenset(
    {"refused", "invalid_parameter", "not_found", "idempotency_conflict", "kafka_unavailable"}
)
"""What goes wrong on the form stays on the form."""


class ActionForm(RequestBody, frozen=True, kw_only=True):
    """The fields of all forms of the page; empty ones are left out. `key`: made with the page."""

    action: ActionName
    key: Name
    assignee: Name | None = None
    kind: ProposalKind | None = None
    reason_code: ReasonCode | None = None
    note: Note | None = None
    proposal_id: Name | None = None
    merchant_id: Name | None = None
    payment_id: Name | None = None
    object_id: Name | None = None
    batch: Name | None = None


async def get_mismatch_page(request: web.Request) -> web.StreamResponse:
    check_path(request.match_info)
    return await _page(request)


async def post_action(request: web.Request) -> web.StreamResponse:
    """Takes one step; for a proposal also those before it that are the caller's own to take."""
    check_path(request.match_info)
    deps, mismatch_id = request.app[DEPS], request.match_info["id"]
    try:
        form = form_of(await request.post())
        await _take(deps, await found_mismatch(deps, mismatch_id), _asking(request, form), form)
    except Problem as problem:
        if problem.code not in SHOWN_AGAIN:
            raise
        return await _page(request, problem.detail or problem.title, problem.status)
    raise web.HTTPSeeOther(f"/mismatches/{quote(mismatch_id, safe='')}#work")


async def post_actions(request: web.Request) -> web.StreamResponse:
    """The same step for all that were selected, each decided by itself; says how many took it."""
    deps, fields = request.app[DEPS], await request.post()
    ids = [str(value) for value in fields.getall("ids", [])][: MOST_AT_ONCE + 1]
    if not 1 <= len(ids) <= MOST_AT_ONCE:
        raise invalid("ids", f"select 1 to {MOST_AT_ONCE}")
    form = form_of(fields)
    refused = 0
    for mismatch_id in dict.fromkeys(ids):
        asking = _asking(request, form).step(mismatch_id)
        try:
            await _take(deps, await found_mismatch(deps, mismatch_id), asking, form)
        except Problem as problem:
            if problem.code not in SHOWN_AGAIN:
                raise
            refused += 1
    return web.json_response({"applied": len(set(ids)) - refused, "refused": refused})


def form_of(fields: MultiMapping[Any]) -> ActionForm:
    """Raises Problem `invalid_parameter`."""
    given = {name: text for name, value in fields.items() if (text := str(value).strip())}
    own = {name: text for name, text in given.items() if name not in (CSRF_FIELD, "ids")}
    return read_query(MultiDict(own), ActionForm)


async def _take(deps: Deps, found: MismatchDetails, asking: Asking, form: ActionForm) -> None:
    said: dict[str, Any] = {
        name: getattr(form, name) for name in ("assignee", "kind", "reason_code", "note", "proposal_id")
    }
    if form.payment_id is not None or form.batch is not None:
        target = TargetBody(
            merchant_id=form.merchant_id,
            payment_id=form.payment_id,
            object_id=form.object_id,
            batch=form.batch,
        )
        said["target"] = await target_of(deps, found, target)
    if form.action == "propose":
        await _prepare(deps, found, asking, form.note)
    await act(deps, found, asking, form.action, said)


async def _prepare(deps: Deps, found: MismatchDetails, asking: Asking, note: str | None) -> None:
    """Who proposes about what nobody has takes it first; each step is a record of its own."""
    status, is_own = found.row.status, found.work.assignee == actor_of(asking.caller)
    if status == "open":
        await act(deps, found, asking.step("assign"), "assign", {})
    if status == "open" or (status == "assigned" and is_own):
        await act(deps, found, asking.step("investigate"), "investigate", {"note": note})


def _asking(request: web.Request, form: ActionForm) -> Asking:
    return Asking(caller_of(request), request.remote, WAIT_SECONDS, ROUTE, form.key)


async def _page(request: web.Request, error: str = "", status: int = 200) -> web.Response:
    deps = request.app[DEPS]
    found = await found_mismatch(deps, request.match_info["id"])
    text = render.mismatch_page(
        found,
        await evidence_of(deps.pool, found),
        work=work_of(found, caller_of(request)),
        chain=await read_chain(deps.pool, found.row.id),
        error=error,
        key=token_hex(16),
    )
    return web.Response(text=text, content_type="text/html", status=status)
