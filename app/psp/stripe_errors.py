"""Stripe's errors as answers (docs.stripe.com/error-codes, docs.stripe.com/api/errors).

Stripe keeps the first answer under an idempotency key, a 500 as well, and gives the same one again. So after
some errors a repeat tells nothing new; what became of it is then read from the object itself.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import msgspec
import stripe

from app.domain.psp_calls import AnswerKind, PspAnswer, PspCall
from app.psp.answers import ended

STATES: Final = (
    "charge_already_captured",
    "charge_already_refunded",
    "charge_disputed",
    "charge_expired_for_capture",
    "payment_intent_unexpected_state",
    "refund_disputed_payment",
)
"""The object is not in the state that the operation needs; what it is in is worth reading."""
REFUSALS: Final = (
    "amount_too_large",
    "amount_too_small",
    "balance_insufficient",
    "insufficient_funds",
    "invalid_charge_amount",
    "payment_intent_authentication_failure",
    "payment_intent_incompatible_payment_method",
    "payout_limit_exceeded",
    "payouts_not_allowed",
    "token_already_used",
)
REFUSED_FAMILIES: Final = ("payment_method_", "setup_intent_")
THEIRS: Final = ("payment_method", "amount", "amount_to_capture", "destination")
"""Parameters that the merchant chose: a mistake in one is a refusal, no fault of the installation."""
CONFLICT, PAYMENT_REQUIRED, SERVER_ERROR = 409, 402, 500


class Fault(msgspec.Struct, frozen=True):
    """The `error` of an answer. `payment_intent`: the object after a decline, as JSON."""

    type: str | None = None
    code: str | None = None
    decline_code: str | None = None
    message: str | None = None
    param: str | None = None
    payment_intent: dict[str, Any] | None = None


class Read(NamedTuple):
    answer: PspAnswer
    fault: Fault
    is_worth_looking: bool = False
    """Whether the object tells more than a repeat of the call would."""


def read_error(error: stripe.StripeError, call: PspCall) -> Read:
    """What an error of the SDK says."""
    status, fault = error.http_status or 0, _fault(error)
    if fault.type == "card_error" or status == PAYMENT_REQUIRED:
        return _read("declined", fault, fault.decline_code or fault.code or fault.message)
    if fault.code in ("lock_timeout", "rate_limit"):
        return _read("retry", fault, fault.code)
    if status == CONFLICT:
        return _read("unknown", fault, fault.code or "the same call is being performed")
    if isinstance(error, stripe.InvalidRequestError):
        return _invalid(fault, call)
    if isinstance(error, (stripe.AuthenticationError, stripe.PermissionError, stripe.IdempotencyError)):
        return _read("misconfigured", fault, fault.code or type(error).__name__)
    return _read("unknown", fault, f"HTTP {status}: no readable answer", status >= SERVER_ERROR)


def _invalid(fault: Fault, call: PspCall) -> Read:
    code = fault.code or ""
    if code in STATES:
        return _read("declined", fault, code, True)
    if code in REFUSALS or code.startswith(REFUSED_FAMILIES) or fault.param in THEIRS:
        return _read("declined", fault, code or fault.message)
    about = f" ({fault.param})" if fault.param else ""
    return _read("misconfigured", fault, f"{call.operation}: {code or fault.message}{about}")


def _read(kind: AnswerKind, fault: Fault, reason: str | None, look: bool = False) -> Read:
    return Read(ended(kind, reason), fault, look)


def _fault(error: stripe.StripeError) -> Fault:
    body = error.json_body
    found = body.get("error") if isinstance(body, dict) else None
    try:
        return msgspec.convert(found, Fault)
    except msgspec.ValidationError:
        return Fault()
