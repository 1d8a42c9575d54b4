"""`POST /v1/mismatches/{id}/…`: people's work on mismatches, decided by the lane that owns each."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import msgspec

from web.acting import Asking, act, found_mismatch, target_of
from web.call import NoQuery, Reply, Write
from web.mismatch_bodies import (
    Approval,
    Assignment,
    BulkActions,
    Comment,
    HandBack,
    Investigation,
    NewProposal,
    RejectedProposal,
    Reopening,
)
from web.mismatches import detail_of
from web.problems import Problem
from web.schemas import Answer, Underway

AT_ONCE: Final = 10
"""Records of a bulk that are under way at the same time."""


ITS_OWN: Final = frozenset({"refused", "not_found", "idempotency_conflict", "invalid_parameter"})
"""What goes wrong with one mismatch of many, and is told of that one."""


class ActionResult(Answer, frozen=True, kw_only=True):
    """`outcome`: applied, refused (`code`, `detail`), not_found, or under_way where its lane is slow."""

    id: str
    outcome: str
    code: str = ""
    detail: str = ""


class BulkResult(Answer, frozen=True, kw_only=True):
    """In the order of `ids`; each was decided by itself."""

    applied: int
    results: list[ActionResult]


async def assign_mismatch(call: Write[NoQuery, Assignment]) -> Reply:
    return await _act(call, "assign", assignee=call.body.assignee, note=call.body.note)


async def hand_back_mismatch(call: Write[NoQuery, HandBack]) -> Reply:
    return await _act(call, "hand_back", note=call.body.note)


async def investigate_mismatch(call: Write[NoQuery, Investigation]) -> Reply:
    return await _act(call, "investigate", note=call.body.note)


async def propose_mismatch(call: Write[NoQuery, NewProposal]) -> Reply:
    body = call.body
    said: dict[str, Any] = {"kind": body.kind, "reason_code": body.reason_code, "note": body.note}
    if body.target is not None:
        found = await found_mismatch(call.deps, call.path["id"])
        said["target"] = await target_of(call.deps, found, body.target)
    return await _act(call, "propose", **said)


async def approve_mismatch(call: Write[NoQuery, Approval]) -> Reply:
    return await _act(call, "approve", proposal_id=call.body.proposal_id, note=call.body.note)


async def reject_mismatch(call: Write[NoQuery, RejectedProposal]) -> Reply:
    return await _act(call, "reject", note=call.body.note)


async def comment_mismatch(call: Write[NoQuery, Comment]) -> Reply:
    return await _act(call, "comment", note=call.body.note)


async def reopen_mismatch(call: Write[NoQuery, Reopening]) -> Reply:
    return await _act(call, "reopen", note=call.body.note, assignee=call.body.assignee)


async def act_on_mismatches(call: Write[NoQuery, BulkActions]) -> BulkResult:
    """A record per mismatch, with ids derived from the one key, so that a repeat does nothing twice."""
    body, turns = call.body, asyncio.Semaphore(AT_ONCE)
    said = {name: getattr(body, name) for name in ("assignee", "kind", "reason_code", "note")}

    async def one(mismatch_id: str) -> ActionResult:
        async with turns:
            return await _result(call, mismatch_id, body.action, said)

    results = await asyncio.gather(*(one(mismatch_id) for mismatch_id in dict.fromkeys(body.ids)))
    return BulkResult(applied=sum(result.outcome == "applied" for result in results), results=list(results))


async def _result(call: Write[Any, Any], mismatch_id: str, action: str, said: dict[str, Any]) -> ActionResult:
    try:
        found = await found_mismatch(call.deps, mismatch_id)
        taken = await act(call.deps, found, asking_of(call).step(mismatch_id), action, said)
    except Problem as problem:
        if problem.code not in ITS_OWN:
            raise
        code = str(problem.extra.get("refusal", problem.code))
        outcome = "not_found" if problem.code == "not_found" else "refused"
        return ActionResult(id=mismatch_id, outcome=outcome, code=code, detail=problem.detail)
    return ActionResult(id=mismatch_id, outcome="applied" if taken.decided else "under_way")


def asking_of(call: Write[Any, Any]) -> Asking:
    return Asking(call.caller, call.address, call.wait.seconds, call.route, call.key)


async def _act(call: Write[Any, Any], action: str, **said: Any) -> Reply:
    """The mismatch as it is now, or 202 where its lane has not decided within the caller's time."""
    found = await found_mismatch(call.deps, call.path["id"])
    taken = await act(call.deps, found, asking_of(call), action, said)
    headers = {**taken.headers, **({"Preference-Applied": call.wait.applied} if call.wait.applied else {})}
    if not taken.decided:
        return Reply(Underway(merchant_id=found.row.merchant_id or "", id=found.row.id), 202, headers)
    now = await found_mismatch(call.deps, found.row.id)
    document: msgspec.Struct = await detail_of(call.deps.pool, now, call.principal)
    return Reply(document, 200, headers)
