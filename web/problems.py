"""Everything that goes wrong over HTTP, as RFC 9457 problem documents with a stable `code`.

A handler raises `Problem("not_found", "…")`; the middleware in `web/guard.py` writes it. The table below is
the whole list: a code never changes its meaning or its status, and no other text reaches a client.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from aiohttp import web

CONTENT_TYPE: Final = "application/problem+json"

CODES: Final[Mapping[str, tuple[int, str]]] = {
    "bad_request": (400, "The request cannot be read"),
    "unauthorized": (401, "A valid API key is needed"),
    "forbidden": (403, "This API key may not do that"),
    "csrf_refused": (403, "The request does not come from a page of ours"),
    "not_found": (404, "There is nothing here"),
    "method_not_allowed": (405, "This method is not supported here"),
    "ambiguous": (409, "More than one payment has this id"),
    "not_yet": (409, "The position has not been reached yet"),
    "signature_refused": (401, "The request is not accepted"),
    "body_too_large": (413, "The request's body is too large"),
    "unsupported_media_type": (415, "This media type is not accepted here"),
    "idempotency_conflict": (409, "This Idempotency-Key was used for another request"),
    "refused": (409, "The request is refused; nothing was done"),
    "file_refused": (422, "The file is refused as a whole; nothing of it was sent"),
    "invalid_parameter": (422, "A parameter is not valid"),
    "card_number_refused": (422, "Card numbers are not accepted here"),
    "rate_limited": (429, "Too many requests"),
    "too_many_streams": (503, "Too many live views are open"),
    "internal": (500, "Something went wrong here"),
    "database_unavailable": (503, "The database does not answer"),
    "kafka_unavailable": (503, "The log does not answer"),
    "file_stopped": (503, "The file could not be read to its end; hand it in again"),
    "files_not_taken": (503, "Files are not taken here"),
    "webhooks_not_configured": (503, "Webhooks of this PSP are not configured"),
    "not_ready": (503, "The service is not ready"),
    "timeout": (503, "The answer took too long"),
}
"""Code -> HTTP status and title."""

FROM_STATUS: Final[Mapping[int, str]] = {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    413: "body_too_large",
}
"""For errors that aiohttp raises itself."""


class FieldError(msgspec.Struct, frozen=True):
    """One parameter or field that is wrong, and why. `pointer`: of a field of the body (RFC 6901)."""

    parameter: str
    message: str
    pointer: str | None = None


class ProblemDocument(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """RFC 9457. Programs look at `code`; `detail` is for people and may change."""

    type: str
    title: str
    status: int
    code: str
    detail: str = ""
    instance: str
    """Path of the request."""
    request_id: str
    """Also in the header `X-Request-Id` and in the log."""
    errors: list[FieldError] = []
    merchant_ids: list[str] = []
    """`ambiguous`: the merchants that have such a payment."""
    refusal: str = ""
    """`refused`: why, a stable code, e.g. `insufficient_funds`."""
    checks: dict[str, str] = {}
    """`not_ready`: what was looked at, `ok` or the reason why not."""


class Problem(Exception):
    """Raised anywhere below the middleware. `extra` are further members of the document."""

    def __init__(
        self, code: str, detail: str = "", headers: Mapping[str, str] | None = None, **extra: Any
    ) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.status, self.title = CODES[code]
        self.detail = detail
        self.headers = dict(headers or {})
        self.extra = extra


def invalid(parameter: str, message: str) -> Problem:
    """422 about one parameter."""
    return invalid_all([FieldError(parameter, message)])


def invalid_all(errors: Sequence[FieldError]) -> Problem:
    detail = "; ".join(f"{error.parameter}: {error.message}" for error in errors)
    return Problem("invalid_parameter", detail, errors=list(errors))


def from_http(error: web.HTTPException) -> Problem:
    """An error of aiohttp's own (no route, wrong method, body too large …) as one of ours."""
    code = FROM_STATUS.get(error.status, "internal" if error.status >= 500 else "bad_request")
    keep = {name: error.headers[name] for name in ("Allow",) if name in error.headers}
    detail = f"allowed here: {keep['Allow']}" if keep else ""
    return Problem(code, detail, keep)


def respond(problem: Problem, path: str, request_id: str) -> web.Response:
    """`path` as it came; a card number in it is not sent back."""
    document = ProblemDocument(
        type=f"urn:tallystick:problem:{problem.code}",
        title=problem.title,
        status=problem.status,
        code=problem.code,
        detail=problem.detail,
        instance="" if problem.code == "card_number_refused" else path,
        request_id=request_id,
        **problem.extra,
    )
    return web.Response(
        status=problem.status,
        body=msgspec.json.encode(document),
        content_type=CONTENT_TYPE,
        headers={"Cache-Control": "no-store", **problem.headers},
    )
