"""`POST /v1/payments`, `…/{id}/capture` and `…/{id}/void`: requests that the merchant lane decides."""

from __future__ import annotations

from typing import Any

from app.domain.asked import asked_key
from app.domain.command_base import MerchantCommand, Payer
from app.domain.payment_requests import LineItem, PaymentCapture, PaymentCreate, PaymentVoid
from app.domain.psp_calls import Operation
from app.store.web_lists import PaymentRow
from web.body import NoBody
from web.call import NoQuery, Reply, Write
from web.carrying_out import UNDER_WAY, Awaited, carry_out
from web.desk import digest_of, request_id
from web.payment_bodies import NewCapture, NewPayment
from web.payment_view import payment_of, state_of


def caller_of(call: Write[Any, Any]) -> dict[str, str]:
    """The fields that every request has: its id, and the merchant of the key."""
    merchant_id = call.principal.merchant_id or ""
    return {"id": request_id(merchant_id, call.route, call.key), "merchant_id": merchant_id}


def new_id(call: Write[Any, Any], prefix: str, given: str | None) -> str:
    """The caller's own id, else one that the same request always gets again."""
    return given or f"{prefix}_{digest_of(call.principal.merchant_id or '', call.route, call.key)[:24]}"


async def create_payment(call: Write[NoQuery, NewPayment]) -> Reply:
    body = call.body
    command = PaymentCreate(
        **caller_of(call),
        payment_id=new_id(call, "pay", body.payment_id),
        amount=body.amount,
        currency=body.currency,
        psp=body.psp,
        capture_method=body.capture_method,
        payment_method=body.payment_method,
        order_ref=body.order_ref,
        invoice_id=body.invoice_id,
        description=body.description,
        return_url=body.return_url,
        payer=Payer(**_fields(body.payer)) if body.payer else None,
        confirm_duplicate=body.confirm_duplicate,
        line_items=tuple(LineItem(**_fields(item)) for item in body.line_items),
    )
    awaited = payment_awaited(call, command.payment_id, is_begun)
    return await carry_out(call, command, awaited)


async def capture_payment(call: Write[NoQuery, NewCapture]) -> Reply:
    command = PaymentCapture(
        **caller_of(call),
        payment_id=call.path["id"],
        capture_id=new_id(call, "cap", call.body.capture_id),
        amount=call.body.amount,
        currency=call.body.currency,
    )
    return await _operate(call, command, command.payment_id, "capture", command.capture_id)


async def void_payment(call: Write[NoQuery, NoBody]) -> Reply:
    command = PaymentVoid(**caller_of(call), payment_id=call.path["id"])
    return await _operate(call, command, command.payment_id, "void", command.payment_id)


async def _operate(
    call: Write[Any, Any], command: MerchantCommand, payment_id: str, operation: Operation, object_id: str
) -> Reply:
    def is_over(row: PaymentRow) -> bool:
        return operation_is_over(row, operation, object_id)

    return await carry_out(call, command, payment_awaited(call, payment_id, is_over))


def payment_awaited(call: Write[Any, Any], payment_id: str, is_settled: Any) -> Awaited[PaymentRow]:
    return Awaited(
        id=payment_id,
        poller=call.deps.desk.payments,
        owned=(call.principal.merchant_id or "", payment_id),
        is_settled=is_settled,
        answer=lambda row: payment_of(row, call.deps.links),
    )


def is_begun(row: PaymentRow) -> bool:
    """Whether the PSP has said something about a new payment."""
    return row.status not in UNDER_WAY


def operation_is_over(row: PaymentRow, operation: Operation, object_id: str) -> bool:
    """Whether the PSP has answered; an operation that it was never asked for is over, too."""
    asked = state_of(row).asked.get(asked_key(operation, object_id))
    return asked is None or asked.state not in UNDER_WAY


def _fields(body: Any) -> dict[str, Any]:
    return {name: getattr(body, name) for name in body.__struct_fields__}
