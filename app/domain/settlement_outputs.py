"""What is told of an object's settlement, by the lanes' word or because it is expected elsewhere."""

from datetime import datetime

from msgspec.structs import replace

from app.domain.batch_records import PaymentSettled
from app.domain.configuration import Platform
from app.domain.decision import Draft
from app.domain.events import PaymentSettlementChanged
from app.domain.payment import Banked, Payment, payment_ref
from app.domain.state import PLATFORM
from app.domain.streams import PAYMENTS_EVENTS


def keep_settled(
    draft: Draft, payment: Payment, kind: str, object_id: str, matched: bool, occurred_at: datetime
) -> Payment:
    """Keep whether an object's gross is settled, and say so."""
    name = f"{kind}/{object_id}"
    settled = {*payment.settled, name} if matched else set(payment.settled) - {name}
    payment = _with_paid(draft, replace(payment, settled=tuple(sorted(settled))), name)
    return _tell(draft, payment, kind, object_id, matched, occurred_at)


def keep_banked(
    draft: Draft, payment: Payment, name: str, banked: dict[str, Banked], command: PaymentSettled
) -> None:
    """Keep what the bank has paid of an object; what changes for the payment as a whole is said."""
    before = payment.settlement_status
    payment = _with_paid(draft, replace(payment, banked=banked), name)
    if payment.settlement_status == before:
        draft.put(payment_ref(payment.merchant_id, payment.id), payment)
        return
    matched = name in payment.settled
    _tell(draft, payment, command.kind, command.object_id, matched, command.occurred_at)


def _with_paid(draft: Draft, payment: Payment, name: str) -> Payment:
    """An object is paid where the bank brought the gross of all its lines, within the PSP's tolerance."""
    capture = payment.captures.get(name.removeprefix("capture/")) if name.startswith("capture/") else None
    lines = [line for line in payment.banked.values() if line.object == name]
    paid = bool(lines)
    if capture is not None:
        brought = sum(line.gross for line in lines if line.currency == capture.currency)
        paid = paid and brought >= capture.amount - _tolerance(draft, capture.psp, lines)
    names = {*payment.paid_out, name} if paid else set(payment.paid_out) - {name}
    return replace(payment, paid_out=tuple(sorted(names)))


def _tolerance(draft: Draft, psp: str, lines: list[Banked]) -> int:
    platform: Platform | None = draft.get(PLATFORM)
    if platform is None:
        return 0
    configured = platform.psps.get(psp)
    allowed = [configured.gross_tolerance if configured is not None else 0]
    sources = [platform.sources.get(line.source) for line in lines]
    return max(
        allowed + [s.gross_tolerance for s in sources if s is not None and s.gross_tolerance is not None]
    )


def _tell(
    draft: Draft, payment: Payment, kind: str, object_id: str, matched: bool, occurred_at: datetime
) -> Payment:
    payment = replace(payment, seq=payment.seq + 1)
    draft.put(payment_ref(payment.merchant_id, payment.id), payment)
    record = PaymentSettlementChanged(
        id=draft.next_id(),
        seq=payment.seq,
        merchant_id=payment.merchant_id,
        payment_id=payment.id,
        object_id=object_id,
        kind=kind,
        matched=matched,
        settlement_status=payment.settlement_status,
        amount=payment.amount,
        currency=payment.currency,
        status=payment.status,
        flags=payment.flags,
        occurred_at=occurred_at,
    )
    draft.send(PAYMENTS_EVENTS, f"{payment.merchant_id}/{payment.id}", record)
    return payment
