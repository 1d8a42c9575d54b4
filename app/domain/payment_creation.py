"""`payment.create`: a request for money. It posts nothing; the PSP is asked, and its facts are what posts."""

from app.domain.asking import ask, keep_and_tell, require_psp
from app.domain.decision import Draft, Refused
from app.domain.events import PaymentWasCreated
from app.domain.merchant import platform_in, require_merchant
from app.domain.payment import Payment, Requested
from app.domain.payment_header import with_requested_names
from app.domain.payment_identity import find_payment
from app.domain.payment_requests import PaymentCreate
from app.domain.psp_calls import Operation


def create_payment(draft: Draft, command: PaymentCreate) -> None:
    """Refuses with unknown_merchant, payment_id_reused, psp_not_configured or mode_mismatch."""
    require_merchant(draft, command.merchant_id)
    if find_payment(draft, command.merchant_id, command.payment_id) is not None:
        raise Refused("payment_id_reused", f"{command.payment_id} is another payment already")
    psp = command.psp or platform_in(draft).default_psp
    require_psp(draft, psp, command.merchant_id)
    assert psp is not None
    _ask(draft, _created(draft, command, psp), command)


def _created(draft: Draft, command: PaymentCreate, psp: str) -> Payment:
    requested = Requested(
        amount=command.amount,
        currency=command.currency,
        capture_method=command.capture_method,
        requested_at=draft.now,
        description=command.description,
        return_url=command.return_url,
    )
    payment = Payment(
        merchant_id=command.merchant_id,
        id=command.payment_id,
        currency=command.currency,
        psp=psp,
        principal="",
        requested=requested,
    )
    return with_requested_names(payment, command, draft.now)


def _ask(draft: Draft, payment: Payment, command: PaymentCreate) -> None:
    """Without a means of payment the payer chooses one on the PSP's page."""
    operation: Operation = "authorize" if command.payment_method else "session"
    payment = ask(
        draft,
        payment,
        operation,
        payment.id,
        command.amount,
        capture=command.capture_method == "automatic",
        payment_method=command.payment_method,
        return_url=command.return_url,
        description=command.description,
    )
    (asked,) = payment.asked.values()
    keep_and_tell(draft, payment, asked, PaymentWasCreated)
