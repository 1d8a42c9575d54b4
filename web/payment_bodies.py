"""What merchants send to ask for money, to take it, to give it back and to be paid."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from app.domain.payment_requests import CaptureMethod
from web.request_fields import CurrencyCode, Minor, Name, NewId, PageUrl, Words


class RequestBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all bodies: a field that we do not know is an error, so that a typo is not silently ignored."""


class PayerBody(RequestBody, frozen=True, kw_only=True):
    """Who pays, as far as it is known. Personal data. Never a card number."""

    id: Name | None = None
    tax_id: Name | None = None
    email: Name | None = None
    ip: Name | None = None
    device: Name | None = None
    card_fingerprint: Name | None = None


class LineItemBody(RequestBody, frozen=True, kw_only=True):
    """One seller's part; the parts sum to the payment's `amount`."""

    merchant_id: Name
    amount: Minor
    description: Words | None = None


class NewPayment(RequestBody, frozen=True, kw_only=True):
    """Without `payment_method`, the PSP's token of one, the payer chooses on a page: see `checkout_url`.

    `confirm_duplicate`: make it although it looks like another one (same payer, invoice, amount and day).
    """

    amount: Minor
    currency: CurrencyCode
    payment_id: NewId | None = None
    psp: Name | None = None
    capture_method: CaptureMethod = "automatic"
    payment_method: Name | None = None
    order_ref: Name | None = None
    invoice_id: Name | None = None
    description: Words | None = None
    return_url: PageUrl | None = None
    payer: PayerBody | None = None
    confirm_duplicate: bool = False
    line_items: Annotated[tuple[LineItemBody, ...], Meta(max_length=50)] = ()


class NewCapture(RequestBody, frozen=True, kw_only=True):
    """Part or all of what is authorised; several captures have several ids."""

    amount: Minor
    currency: CurrencyCode
    capture_id: NewId | None = None


class NewRefund(RequestBody, frozen=True, kw_only=True):
    """Part or all of what was captured and is not refunded or disputed yet."""

    amount: Minor
    currency: CurrencyCode
    refund_id: NewId | None = None


class NewPayout(RequestBody, frozen=True, kw_only=True):
    """Out of what is available in this currency."""

    amount: Minor
    currency: CurrencyCode
    payout_id: NewId | None = None


class Rejection(RequestBody, frozen=True, kw_only=True):
    """Why a payout is not allowed."""

    reason: Words
