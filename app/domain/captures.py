"""`payment.record`: a capture that happened. Kept once under its identity, posted, never refused.

A further capture in another currency is kept and posted in that currency, and CURRENCY_MISMATCH opens. The
payment's header follows its principal capture, so that it does not depend on which capture came first.
"""

from msgspec.structs import replace

from app.domain import postings
from app.domain.capture_outputs import announce
from app.domain.capture_repeats import repeat_capture
from app.domain.commands import PaymentRecord
from app.domain.decision import Draft
from app.domain.dedup import alias_claim, capture_claims, claim_all, owner_of
from app.domain.duplicates import with_duplicates
from app.domain.events import PaymentCaptured
from app.domain.fees import fees_of
from app.domain.guards import watch_balance, with_currency
from app.domain.merchant import Merchant, known_merchant, platform_in
from app.domain.payment import UNKNOWN_MERCHANT, Capture, Payment, payment_ref, with_alias
from app.domain.payment_checks import judged
from app.domain.payment_header import with_capture
from app.domain.payment_identity import new_alias, payment_subject, subjects_of, tell_directory
from app.domain.split_books import own_fees, own_legs, own_pending


def record_payment(draft: Draft, command: PaymentRecord) -> tuple[str, ...] | None:
    """Returns the subjects that became known by it, None where nothing did."""
    claims = capture_claims(command)
    owner = owner_of(draft, claims)
    if owner is None and command.psp_capture_id is None:
        owner = draft.get(alias_claim(command.merchant_id, command.payment_id))
    home = command.payment_id if owner is None else owner
    payment: Payment | None = draft.get(payment_ref(command.merchant_id, home))
    alias = None
    if home != command.payment_id:
        alias = new_alias(draft, command.merchant_id, command.payment_id, home)
    kept = None if payment is None else _kept_as(payment, command)
    if payment is None or kept is None:
        known = _keep_new(draft, payment, home, command, alias)
        if len(claims) > 1 and command.psp_payment_id is not None:
            tell_directory(draft, claims[1], command.psp, command.psp_payment_id, known)
        subjects = subjects_of(known) if payment is None or not payment.captures else None
    else:
        repeat_capture(draft, payment, kept, command, alias)
        subjects = None
    claim_all(draft, claims, home)
    return (payment_subject(alias),) if subjects is None and alias is not None else subjects


def _kept_as(payment: Payment, command: PaymentRecord) -> str | None:
    """Under which capture id this fact is kept already."""
    own = payment.captures.get(command.capture_id)
    if command.psp_capture_id is None:
        return None if own is None else command.capture_id
    for key, capture in payment.captures.items():
        if capture.psp_capture_id == command.psp_capture_id and capture.psp == command.psp:
            return key
    return command.capture_id if own is not None and own.psp_capture_id is None else None


def _keep_new(
    draft: Draft, before: Payment | None, home: str, command: PaymentRecord, alias: str | None
) -> Payment:
    merchant = with_currency(draft, known_merchant(draft, command.merchant_id), command.currency)
    capture = _post(draft, merchant, home, command, before)
    if before is None:
        key = command.capture_id
        payment = _first(merchant, home, key, capture, command)
    else:
        key = _free_key(before, command)
        payment = with_capture(before, key, capture, command)
        payment = judged(draft, replace(with_alias(payment, alias), seq=payment.seq + 1))
    payment = with_duplicates(draft, payment, command)
    draft.put(payment_ref(payment.merchant_id, payment.id), payment)
    announce(draft, before, payment, key, PaymentCaptured)
    if merchant.negative:
        watch_balance(draft, merchant.merchant_id, capture.currency)
    return payment


def _post(
    draft: Draft, merchant: Merchant, home: str, command: PaymentRecord, payment: Payment | None
) -> Capture:
    platform = platform_in(draft)
    amount, currency, psp = command.amount, command.currency, command.psp
    fees = own_fees(payment, fees_of(platform, merchant, psp, amount, currency))
    legs = own_legs(payment, postings.capture(merchant.merchant_id, psp, currency, amount, *fees))
    transaction_id = draft.post("capture", legs, command.occurred_at, merchant.merchant_id, home)
    return Capture(
        amount=amount,
        currency=currency,
        psp=psp,
        platform_fee=fees.platform,
        psp_fee=fees.psp,
        merchant_psp_fee=fees.merchant_psp,
        pending=own_pending(payment, amount - fees.platform - fees.merchant_psp),
        psp_capture_id=command.psp_capture_id,
        transaction_id=transaction_id,
        occurred_at=command.occurred_at,
        platform_version=platform.version,
        merchant_version=merchant.version,
    )


def _first(merchant: Merchant, home: str, key: str, capture: Capture, command: PaymentRecord) -> Payment:
    return Payment(
        merchant_id=command.merchant_id,
        id=home,
        currency=command.currency,
        psp=command.psp,
        principal=key,
        psp_payment_id=command.psp_payment_id,
        order_ref=command.order_ref,
        invoice_id=command.invoice_id,
        captures={key: capture},
        flags=() if merchant.configured else (UNKNOWN_MERCHANT,),
        seq=1,
    )


def _free_key(payment: Payment, command: PaymentRecord) -> str:
    """Our capture id, or with the PSP's where two PSP objects were reported under one id of ours."""
    key = command.capture_id
    return key if key not in payment.captures else f"{key}@{command.psp}/{command.psp_capture_id}"
