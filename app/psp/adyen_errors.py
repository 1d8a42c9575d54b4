"""Adyen's errors as answers (docs.adyen.com/development-resources/error-codes).

The status alone tells little: a wrong configuration comes as a 500, a request that is still being performed
as a 422. So `errorType` and `errorCode` go first.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

import msgspec

from app.domain.psp_calls import PspAnswer
from app.psp.answers import BUSY, busy, ended

IN_PROGRESS: Final = "704"
"""Request already processed or in progress."""
REFUSALS: Final = {
    "137": "invalid_amount",
    "800": "stored_method_not_found",
    "803": "stored_method_not_found",
    "822": "stored_method_not_found",
}
"""What the merchant chose: a mistake in it is a refusal, no fault of the installation."""
CONFIGURATION: Final = ("configuration", "security")
TRANSIENT: Final = "transient-error"


class Fault(msgspec.Struct, frozen=True, rename="camel"):
    """Checkout says errorCode, errorType and message; Transfers says title and detail (RFC 9457)."""

    error_code: str | None = None
    error_type: str | None = None
    message: str | None = None
    detail: str | None = None


def read_error(status: int, headers: Mapping[str, str], body: bytes) -> PspAnswer:
    """What an answer other than 2xx says."""
    if status in BUSY:
        return busy(status, headers)
    fault = _fault(body)
    said = " ".join(filter(None, (fault.error_code, fault.message or fault.detail))) or f"HTTP {status}"
    if fault.error_code in REFUSALS:
        return ended("declined", REFUSALS[fault.error_code])
    if fault.error_code == IN_PROGRESS or headers.get(TRANSIENT, "").lower() == "true":
        return ended("unknown", said)
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN) or fault.error_type in CONFIGURATION:
        return ended("misconfigured", said)
    if HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return ended("unknown" if status == HTTPStatus.CONFLICT else "misconfigured", said)
    return ended("unknown", said)


def _fault(body: bytes) -> Fault:
    try:
        return msgspec.json.decode(body, type=Fault)
    except (ValueError, RecursionError):
        return Fault()
