"""What happened to a payment short of its capture: authorised, failed, voided … Nothing is posted by it.

Each kind is kept once, as its latest word (a PSP may raise an authorisation; a payer may fail twice), ours
and the PSP's apart. Status, header and flags are computed from what is kept.
"""

from datetime import timedelta
from typing import Final

from msgspec.structs import replace

from app.domain.commands import (
    PaymentActionRequired,
    PaymentAuthorized,
    PaymentExpired,
    PaymentFact,
    PaymentFailed,
    PaymentVoided,
)
from app.domain.decision import Conflict, Draft, Duplicate
from app.domain.dedup import claim_all, owner_of, payment_claims, same_figures
from app.domain.events import (
    PaymentHasExpired,
    PaymentHasFailed,
    PaymentNeedsAction,
    PaymentStatusEvent,
    PaymentWasAuthorized,
    PaymentWasVoided,
)
from app.domain.expectations import keep_expectations
from app.domain.merchant import known_merchant, platform_in
from app.domain.payment import (
    OURS,
    UNKNOWN_MERCHANT,
    Payment,
    Status,
    StatusFact,
    payment_ref,
    with_alias,
)
from app.domain.payment_checks import judged
from app.domain.payment_header import with_fact, with_names
from app.domain.payment_identity import find_payment, new_alias, payment_subject, tell_directory
from app.domain.payment_requests import AuthorizationExpire
from app.domain.streams import PAYMENTS_EVENTS
from app.domain.timers import set_timer

EXPIRY_TIMER: Final = "authorization"
KINDS: Final[dict[type[PaymentFact], tuple[Status, type[PaymentStatusEvent]]]] = {
    PaymentVoided: ("voided", PaymentWasVoided),
    PaymentExpired: ("expired", PaymentHasExpired),
    PaymentAuthorized: ("authorized", PaymentWasAuthorized),
    PaymentActionRequired: ("requires_action", PaymentNeedsAction),
    PaymentFailed: ("failed", PaymentHasFailed),
}


def record_payment_fact(draft: Draft, command: PaymentFact) -> tuple[str, ...] | None:
    """Raises Duplicate, Conflict; a payment that is not known yet begins with this fact."""
    claims = payment_claims(command)
    owner = owner_of(draft, claims)
    before = find_payment(draft, command.merchant_id, owner or command.payment_id)
    home = command.payment_id if before is None else before.id
    alias = new_alias(draft, command.merchant_id, command.payment_id, home)
    payment = _with_command(before or _first(draft, home, command), command)
    payment = with_alias(payment, alias)
    if payment == before:
        raise Duplicate
    payment = judged(draft, replace(payment, seq=payment.seq + 1))
    draft.put(payment_ref(payment.merchant_id, payment.id), payment)
    _announce(draft, payment, command)
    if isinstance(command, PaymentAuthorized):
        schedule_expiry(draft, payment)
    for claim in claims:
        tell_directory(draft, claim, command.psp, command.psp_payment_id or "", payment)
    keep_expectations(draft, before, payment)
    claim_all(draft, claims, home)
    return (payment_subject(alias),) if alias is not None and payment.captures else None


def schedule_expiry(draft: Draft, payment: Payment) -> None:
    """Set or move the timer by which an authorisation that waits for our capture lapses."""
    configured = platform_in(draft).psps.get(payment.psp)
    if payment.requested is None or payment.requested.capture_method == "automatic" or configured is None:
        return
    authorized = payment.authorized
    assert authorized is not None
    due_at = authorized.occurred_at + timedelta(seconds=configured.authorization_seconds)
    expire = AuthorizationExpire(id="-", merchant_id=payment.merchant_id, payment_id=payment.id)
    set_timer(draft, EXPIRY_TIMER, payment.id, max(due_at, draft.now), expire)


def _first(draft: Draft, home: str, command: PaymentFact) -> Payment:
    merchant = known_merchant(draft, command.merchant_id)
    return Payment(
        merchant_id=command.merchant_id,
        id=home,
        currency=command.currency,
        psp=command.psp,
        principal="",
        flags=() if merchant.configured else (UNKNOWN_MERCHANT,),
    )


def _with_command(payment: Payment, command: PaymentFact) -> Payment:
    """The payment with this word of its kind; equal to what it was where it says nothing new."""
    status, _ = KINDS[type(command)]
    key = status if command.psp_payment_id is not None else status + OURS
    new = StatusFact(
        amount=command.amount,
        currency=command.currency,
        psp=command.psp,
        occurred_at=command.occurred_at,
    )
    kept = payment.facts.get(key)
    if kept is not None and key == f"authorized{OURS}" and not same_figures(kept, new):
        was, now = f"{kept.amount} {kept.currency}", f"{new.amount} {new.currency}"
        raise Conflict("fact_conflict", f"{payment.id} was authorised for {was}, not {now}")
    if kept is None or _order(kept) < _order(new):
        payment = with_fact(payment, key, new)
    return with_names(payment, status, command)


def _order(fact: StatusFact) -> tuple[object, ...]:
    """The latest word stands; of two at one moment any, so long as it is always the same."""
    return (fact.occurred_at, fact.amount, fact.currency, fact.psp)


def _announce(draft: Draft, payment: Payment, command: PaymentFact) -> None:
    _, event = KINDS[type(command)]
    record = event(
        id=draft.next_id(),
        seq=payment.seq,
        merchant_id=payment.merchant_id,
        payment_id=payment.id,
        amount=command.amount,
        currency=command.currency,
        psp=command.psp,
        psp_payment_id=command.psp_payment_id,
        reason=command.reason,
        status=payment.status,
        flags=payment.flags,
        occurred_at=command.occurred_at,
    )
    draft.send(PAYMENTS_EVENTS, f"{payment.merchant_id}/{payment.id}", record)
