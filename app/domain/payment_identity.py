"""Which payment a record speaks of: the one that holds its PSP's id, else the one it names."""

from app.domain.decision import Draft
from app.domain.dedup import alias_claim
from app.domain.payment import Payment, payment_ref
from app.domain.settlement import IdentityClaimed
from app.domain.state import Ref
from app.domain.streams import MATCHING_COMMANDS


def payment_subject(payment_id: str) -> str:
    """What facts wait for that need the payment's first capture."""
    return f"payment/{payment_id}"


def subjects_of(payment: Payment) -> tuple[str, ...]:
    """All that facts about this payment may wait for."""
    return tuple([payment_subject(name) for name in (payment.id, *payment.aliases)])


def find_payment(draft: Draft, merchant_id: str, payment_id: str) -> Payment | None:
    """The payment of this id, or the one that this id is another name of."""
    payment: Payment | None = draft.get(payment_ref(merchant_id, payment_id))
    if payment is None:
        home: str | None = draft.get(alias_claim(merchant_id, payment_id))
        payment = None if home is None else draft.get(payment_ref(merchant_id, home))
    return payment


def find_captured(draft: Draft, merchant_id: str, payment_id: str) -> Payment | None:
    """As `find_payment`, but None while no capture of it is known."""
    payment = find_payment(draft, merchant_id, payment_id)
    return payment if payment is not None and payment.captures else None


def new_alias(draft: Draft, merchant_id: str, payment_id: str, home: str) -> str | None:
    """Claim `payment_id` as another name for `home`, unless it is a payment, or an alias, already."""
    claim = alias_claim(merchant_id, payment_id)
    if payment_id == home or draft.get(payment_ref(merchant_id, payment_id)) or draft.get(claim):
        return None
    draft.put(claim, home)
    return payment_id


def tell_directory(draft: Draft, claim: Ref, psp: str, identity: str, payment: Payment) -> None:
    """A PSP's id of a payment that no expectation stands under: the matching lane hears once whose it is."""
    if draft.get(claim) is None:
        record = IdentityClaimed(
            id=draft.next_id(),
            psp=psp,
            identity=identity,
            merchant_id=payment.merchant_id,
            payment_id=payment.id,
        )
        draft.send(MATCHING_COMMANDS, f"{psp}:{identity}", record)
