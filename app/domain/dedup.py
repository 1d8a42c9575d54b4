"""Which facts are the same fact: claims on identities, one row each, looked up by key and never searched.

A fact's identity is (psp, psp object id) where there is one, else the merchant's own capture, refund or
payout id. A claim's value is the payment the object was kept under; that payment knows the rest. The figures
of a fact are its amount and currency: the same identity with the same figures is a duplicate, whatever door
or command id it came by. Repeats of a *command id* never get here, the lane drops them.
"""

from datetime import UTC, datetime
from enum import Enum
from hashlib import sha256
from typing import Protocol

from app.domain.commands import DisputeFact, PaymentFact, PaymentRecord, RefundFailed, RefundRecord
from app.domain.decision import Draft
from app.domain.payment_requests import PaymentCreate
from app.domain.state import Ref


class Figures(Protocol):
    """What two records of one fact are compared by."""

    @property
    def amount(self) -> int: ...
    @property
    def currency(self) -> str: ...


class Repeat(Enum):
    """What a second record of one fact means for the one that is kept."""

    DUPLICATE = "the same again"
    CONFLICT = "two records of one kind contradict each other"
    IDENTIFIED = "the PSP's record confirms ours"
    CORRECTED = "the PSP's figure replaces ours"
    CONTRADICTED = "our record differs from the PSP's, whose figure stands"


def same_figures(one: Figures, other: Figures) -> bool:
    return one.amount == other.amount and one.currency == other.currency


def compare(kept: Figures, kept_is_psps: bool, new: Figures, new_is_psps: bool) -> Repeat:
    """A record with the PSP's object id is the PSP's figure, one without is ours; the PSP's is the money."""
    same = same_figures(kept, new)
    if kept_is_psps == new_is_psps:
        return Repeat.DUPLICATE if same else Repeat.CONFLICT
    if new_is_psps:
        return Repeat.IDENTIFIED if same else Repeat.CORRECTED
    return Repeat.DUPLICATE if same else Repeat.CONTRADICTED


def capture_claim(merchant_id: str, psp: str, object_id: str) -> Ref:
    """(psp, psp object id) of a capture; a payment's PSP id is one of these."""
    return Ref("claim", (merchant_id, f"capture@{psp}/{object_id}"))


def refund_claim(merchant_id: str, object_id: str) -> Ref:
    """A refund's id at its PSP. A refund's record does not name the PSP: who finds the claim compares it."""
    return Ref("claim", (merchant_id, f"refund@{object_id}"))


def own_claim(merchant_id: str, kind: str, own_id: str) -> Ref:
    """The merchant's own id of a capture or refund."""
    return Ref("claim", (merchant_id, f"{kind}/{own_id}"))


def alias_claim(merchant_id: str, payment_id: str) -> Ref:
    """Another payment_id under which a kept PSP object was reported."""
    return own_claim(merchant_id, "alias", payment_id)


def semantic_claim(command: PaymentRecord) -> Ref | None:
    """The claim of what this looks like to a person; None unless payer tax id and invoice are both there."""
    return look_of(command, command.occurred_at)


def look_of(command: PaymentRecord | PaymentCreate, moment: datetime) -> Ref | None:
    """As `semantic_claim`; a request is of the day on which it was made."""
    payer = command.payer
    if payer is None or not payer.tax_id or not command.invoice_id:
        return None
    day = business_date(moment)
    parts = (payer.tax_id, command.invoice_id, str(command.amount), command.currency, day)
    digest = sha256("\x1f".join(parts).encode()).hexdigest()[:32]
    return own_claim(command.merchant_id, "semantic", digest)


def business_date(moment: datetime) -> str:
    """The UTC date, as YYYY-MM-DD."""
    return moment.astimezone(UTC).date().isoformat()


def capture_claims(command: PaymentRecord) -> tuple[Ref, ...]:
    """The identities of a capture, strongest first; its payment's PSP id is one where it has its own too."""
    merchant_id, psp = command.merchant_id, command.psp
    object_id, payment = command.psp_capture_id, command.psp_payment_id
    if object_id is None:
        return (own_claim(merchant_id, "capture", command.capture_id),)
    own = capture_claim(merchant_id, psp, object_id)
    if payment is None or payment == object_id:
        return (own,)
    return (own, capture_claim(merchant_id, psp, payment))


def payment_claims(command: PaymentFact) -> tuple[Ref, ...]:
    """The PSP's id of a payment, in the same space as its captures': whoever comes first claims it."""
    if command.psp_payment_id is None:
        return ()
    return (capture_claim(command.merchant_id, command.psp, command.psp_payment_id),)


def refund_claims(command: RefundRecord | RefundFailed) -> tuple[Ref, ...]:
    """The identities of a refund, strongest first."""
    own = own_claim(command.merchant_id, "refund", command.refund_id)
    if command.psp_refund_id is None:
        return (own,)
    return (refund_claim(command.merchant_id, command.psp_refund_id), own)


def dispute_claims(command: DisputeFact) -> tuple[Ref, ...]:
    """The identities of a dispute, strongest first."""
    merchant_id = command.merchant_id
    own = own_claim(merchant_id, "dispute", command.dispute_id)
    if command.psp_dispute_id is None:
        return (own,)
    return (Ref("claim", (merchant_id, f"dispute@{command.psp_dispute_id}")), own)


def owner_of(draft: Draft, claims: tuple[Ref, ...]) -> str | None:
    """The payment that the strongest claimed identity belongs to."""
    for claim in claims:
        owner: str | None = draft.get(claim)
        if owner is not None:
            return owner
    return None


def claim_all(draft: Draft, claims: tuple[Ref, ...], payment_id: str) -> None:
    """Claim what nobody has claimed; a claim that stands is never moved."""
    for claim in claims:
        if draft.get(claim) is None:
            draft.put(claim, payment_id)
