"""Two payments that look like one to a person: same payer tax id, invoice, amount, currency and UTC date.

Both are facts and both are posted. Among the payments of one look the one with the smallest id is the
original, every other opens one DUPLICATE_PAYMENT, and all are flagged: so each arrival opens exactly one,
in O(1), and any order of arrival ends in the same ones.
"""

from msgspec.structs import replace

from app.domain.commands import PaymentRecord
from app.domain.decision import Draft
from app.domain.dedup import business_date, semantic_claim
from app.domain.events import PaymentFlagged
from app.domain.mismatches import open_mismatch
from app.domain.payment import DUPLICATE_PAYMENT, Payment, payment_ref
from app.domain.payment_checks import flagged
from app.domain.streams import PAYMENTS_EVENTS


def with_duplicates(draft: Draft, payment: Payment, command: PaymentRecord) -> Payment:
    """The payment, flagged where another one looks the same; another capture of it is no duplicate."""
    claim = semantic_claim(command)
    if claim is None:
        return payment
    original: str | None = draft.get(claim)
    if original is None or original == payment.id:
        draft.put(claim, payment.id)
        return payment
    draft.put(claim, min(original, payment.id))
    _open(draft, claim.key[1], command, original, payment.id)
    _flag_other(draft, payment_ref(payment.merchant_id, original).key, command)
    return flagged(payment, DUPLICATE_PAYMENT)


def _open(draft: Draft, claim: str, command: PaymentRecord, one: str, other: str) -> None:
    duplicate = max(one, other)
    open_mismatch(
        draft,
        leg="M",
        category="DUPLICATE_PAYMENT",
        merchant_id=command.merchant_id,
        psp=command.psp,
        payment_id=duplicate,
        currency=command.currency,
        actual_amount=command.amount,
        explanation={
            "rule": "same payer tax id, invoice, amount, currency and UTC date",
            "pair": [min(one, other), duplicate],
            "invoice_id": command.invoice_id,
            "business_date": business_date(command.occurred_at),
        },
        subject_ids=[claim, duplicate],
    )


def _flag_other(draft: Draft, key: tuple[str, ...], command: PaymentRecord) -> None:
    ref = payment_ref(key[0], key[1])
    other: Payment | None = draft.get(ref)
    if other is None or DUPLICATE_PAYMENT in other.flags:
        return
    other = replace(flagged(other, DUPLICATE_PAYMENT), seq=other.seq + 1)
    draft.put(ref, other)
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
