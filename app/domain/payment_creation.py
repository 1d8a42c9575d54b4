"""`payment.create`: a request for money. It posts nothing; the PSP is asked, and its facts are what posts."""

from msgspec.structs import replace

from app.domain.asked import asked_key
from app.domain.asking import TEST_MERCHANT, ask, keep_and_tell, require_psp
from app.domain.decision import Draft, Refused
from app.domain.dedup import look_of
from app.domain.events import PaymentWasCreated
from app.domain.merchant import platform_in, require_merchant
from app.domain.payment import Payment, Requested, payment_ref
from app.domain.payment_header import with_requested_names
from app.domain.payment_identity import find_payment
from app.domain.payment_requests import PaymentCreate
from app.domain.psp_calls import Operation
from app.domain.split import Parent, Part, derived_id
from app.domain.state import Ref


def create_payment(draft: Draft, command: PaymentCreate) -> None:
    """Refuses with unknown_merchant, payment_id_reused, psp_not_configured, mode_mismatch,

    line_items_do_not_sum, invalid_line_item or duplicate_suspected.
    """
    require_merchant(draft, command.merchant_id)
    if find_payment(draft, command.merchant_id, command.payment_id) is not None:
        raise Refused("payment_id_reused", f"{command.payment_id} is another payment already")
    psp = command.psp or platform_in(draft).default_psp
    require_psp(draft, psp, command.merchant_id)
    assert psp is not None
    _require_line_items(command)
    look = _require_no_duplicate(draft, command)
    payment = _created(draft, command, psp)
    if look is not None:
        payment = replace(payment, looks=(look.key[1],))
    _ask(draft, payment, command)


def _require_line_items(command: PaymentCreate) -> None:
    items = command.line_items
    total = sum(item.amount for item in items)
    if items and total != command.amount:
        raise Refused("line_items_do_not_sum", f"the items sum to {total}, not {command.amount}")
    is_test = command.merchant_id.endswith(TEST_MERCHANT)
    for item in items:
        if "/" in item.merchant_id or item.merchant_id.endswith(TEST_MERCHANT) != is_test:
            raise Refused("invalid_line_item", f"{item.merchant_id} cannot sell for {command.merchant_id}")


def _require_no_duplicate(draft: Draft, command: PaymentCreate) -> Ref | None:
    """Claim what the payment looks like to a person; None where too little is known of its payer.

    A payment that came to nothing does not stand in the way of another attempt.
    """
    look = look_of(command, draft.now)
    if look is None:
        return None
    original: str | None = draft.get(look)
    standing = None if original is None else draft.get(payment_ref(command.merchant_id, original))
    if standing is None or _came_to_nothing(standing):
        draft.put(look, command.payment_id)
    elif not command.confirm_duplicate:
        detail = f"{original} has the same payer, invoice, amount and date; confirm_duplicate allows it"
        raise Refused("duplicate_suspected", detail)
    return look


def _came_to_nothing(payment: Payment) -> bool:
    """On a page of the PSP's a payer whose card was declined may try another."""
    is_on_a_page = asked_key("session", payment.id) in payment.asked
    return payment.status in ("voided", "expired") or (payment.status == "failed" and not is_on_a_page)


def _parts(command: PaymentCreate) -> tuple[Part, ...]:
    parent = Parent(command.merchant_id, command.payment_id)
    return tuple(
        [
            Part(
                merchant_id=item.merchant_id,
                payment_id=derived_id(parent, str(number)),
                amount=item.amount,
                description=item.description,
            )
            for number, item in enumerate(command.line_items)
        ]
    )


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
        parts=_parts(command),
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
