"""Two payments that look like one to a person: same payer tax id, invoice, amount, currency and UTC date.

Both are facts and both are posted. Among the payments of one look the one with the smallest id is the
original, every other opens one DUPLICATE_PAYMENT, and all are flagged: so each arrival opens exactly one,
in O(1), and any order of arrival ends in the same ones. Every record of a payment counts, ours and the PSP's.
"""

from msgspec.structs import replace

from app.domain.commands import PaymentRecord
from app.domain.decision import Draft
from app.domain.dedup import business_date, semantic_claim
from app.domain.events import PaymentFlagged
from app.domain.mismatches import open_mismatch
from app.domain.payment import DUPLICATE_PAYMENT, Payment, payment_ref
from app.domain.payment_checks import flagged
from app.domain.state import Ref
from app.domain.streams import PAYMENTS_EVENTS


def with_duplicates(draft: Draft, payment: Payment, command: PaymentRecord) -> Payment:
    """The payment, flagged where another one looks the same; another capture of it is no duplicate."""
    claim = semantic_claim(command)
    if claim is None or claim.key[1] in payment.looks:
        return payment
    payment = replace(payment, looks=tuple(sorted({*payment.looks, claim.key[1]})))
    original: str | None = draft.get(claim)
    draft.put(claim, payment.id if original is None else min(original, payment.id))
    if original is None:
        return payment
    other: Payment = draft.get(payment_ref(payment.merchant_id, original))
    _open(draft, claim, command, *sorted((payment, other), key=lambda one: one.id))
    _flag_other(draft, other, command)
    return flagged(payment, DUPLICATE_PAYMENT)


def _open(draft: Draft, claim: Ref, command: PaymentRecord, original: Payment, duplicate: Payment) -> None:
    open_mismatch(
        draft,
        leg="M",
        category="DUPLICATE_PAYMENT",
        merchant_id=duplicate.merchant_id,
        psp=duplicate.psp,
        payment_id=duplicate.id,
        currency=command.currency,
        actual_amount=command.amount,
        explanation={
            "rule": "same payer tax id, invoice, amount, currency and UTC date",
            "pair": [original.id, duplicate.id],
            "invoice_id": command.invoice_id,
            "business_date": business_date(command.occurred_at),
        },
        subject_ids=[claim.key[1], duplicate.id],
    )


def _flag_other(draft: Draft, other: Payment, command: PaymentRecord) -> None:
    if DUPLICATE_PAYMENT in other.flags:
        return
    other = replace(flagged(other, DUPLICATE_PAYMENT), seq=other.seq + 1)
    draft.put(payment_ref(other.merchant_id, other.id), other)
    event = PaymentFlagged(
        id=draft.next_id(),
        seq=other.seq,
        merchant_id=other.merchant_id,
        payment_id=other.id,
        amount=other.captured_amount,
        currency=other.currency,
        status=other.status,
        flags=other.flags,
        occurred_at=command.occurred_at,
    )
    draft.send(PAYMENTS_EVENTS, f"{other.merchant_id}/{other.id}", event)
