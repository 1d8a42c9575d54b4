"""URLs of people's work on mismatches, of its audit, and of how old open ones are."""

from __future__ import annotations

from typing import Any, Final

from web import ageing, audit
from web import mismatch_actions as actions
from web import mismatch_pages as pages
from web.call import Access, Endpoint, Raw
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
from web.mismatch_schemas import MismatchDetail

_ACTION: Final[dict[str, Any]] = {
    "method": "POST",
    "answer": MismatchDetail,
    "makes": True,
    "statuses": (200, 202),
    "problems": ("not_found",),
}
_ONE: Final = "/v1/mismatches/{id}"

# fmt: off
MISMATCH_ENDPOINTS: Final = (
    Endpoint(path=f"{_ONE}/assign", handler=actions.assign_mismatch, access=Access.WORKERS, body=Assignment,
             summary="Take it, give it to somebody, or hand it over", **_ACTION),
    Endpoint(path=f"{_ONE}/hand-back", handler=actions.hand_back_mismatch, access=Access.WORKERS,
             body=HandBack, summary="Give it back: nobody has it then", **_ACTION),
    Endpoint(path=f"{_ONE}/investigate", handler=actions.investigate_mismatch, access=Access.WORKERS,
             body=Investigation, summary="The assignee looks into it", **_ACTION),
    Endpoint(path=f"{_ONE}/propose", handler=actions.propose_mismatch, access=Access.WORKERS,
             body=NewProposal, summary="Propose how to resolve it; the answer shows what that would post",
             **_ACTION),
    Endpoint(path=f"{_ONE}/approve", handler=actions.approve_mismatch, access=Access.APPROVERS, body=Approval,
             summary="Agree to what somebody else proposed: it is resolved and posted", **_ACTION),
    Endpoint(path=f"{_ONE}/reject", handler=actions.reject_mismatch, access=Access.APPROVERS,
             body=RejectedProposal, summary="Send it back to its assignee, with the reason", **_ACTION),
    Endpoint(path=f"{_ONE}/comment", handler=actions.comment_mismatch, access=Access.WORKERS, body=Comment,
             summary="Say something about it", **_ACTION),
    Endpoint(path=f"{_ONE}/reopen", handler=actions.reopen_mismatch, access=Access.LEADS, body=Reopening,
             summary="Make it work again; what its approval posted is reversed", **_ACTION),
    Endpoint(path="/v1/mismatches/actions", method="POST", handler=actions.act_on_mismatches,
             access=Access.WORKERS, body=BulkActions, answer=actions.BulkResult, makes=True, statuses=(200,),
             summary="The same action on many, each decided by itself"),
    Endpoint(path=f"{_ONE}/audit", handler=audit.get_chain, access=Access.STAFF, answer=audit.AuditChain,
             problems=("not_found",), summary="What people did to it, as a chain of hashes"),
    Endpoint(path="/v1/audit", handler=audit.get_audit, access=Access.STAFF, answer=audit.AuditPage,
             query=audit.AuditQuery, summary="What people did, newest first"),
    Endpoint(path="/v1/mismatches/ageing", handler=ageing.get_ageing, access=Access.STAFF,
             answer=ageing.Ageing, query=ageing.AgeingQuery,
             summary="What is open by category, currency and age, as of a day"),
)

MISMATCH_PAGES: Final = (
    Raw(path="/mismatches/{id}", handler=pages.get_mismatch_page, access=Access.PAGES,
        summary="One mismatch, and what may be done about it"),
    Raw(path="/mismatches/{id}/actions", handler=pages.post_action, access=Access.WORKERS, method="POST",
        summary="Takes a step"),
    Raw(path="/mismatches/actions", handler=pages.post_actions, access=Access.WORKERS, method="POST",
        content_type="application/json", summary="Takes the same step for several"),
    Raw(path="/audit", handler=audit.get_audit_page, access=Access.PAGES, summary="What people did"),
    Raw(path="/ageing", handler=ageing.get_ageing_page, access=Access.PAGES,
        summary="What is open, by how long its money is overdue"),
)
# fmt: on
