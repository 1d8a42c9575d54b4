"""Adyen's answers. Facts are made of the very items, and by the readers, that its webhooks are read by.

A modification is only `received`: its webhook tells what came of it, so there is no fact in the answer. Nor
is there one in a step of the payer's: the payment's reference may be another one afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

import msgspec

from app.domain.psp_calls import PspAnswer, PspCall
from app.domain.psp_facts import PspFact
from app.psp.adyen_events import authorisation
from app.psp.adyen_items import METADATA, TRUE, Amount, Item
from app.psp.adyen_requests import short_metadata
from app.psp.adyen_transfers import Transfer, transfer_facts
from app.psp.answers import answered_at, ended
from app.psp.reading import decode

AUTHORISED: Final = ("Authorised", "PartiallyAuthorised")
FINAL: Final = ("Refused", "Error", "Cancelled")
"""docs.adyen.com/online-payments/payment-result-codes; every other result is told by webhook later."""


class Action(msgspec.Struct, frozen=True):
    url: str | None = None


class Method(msgspec.Struct, frozen=True):
    brand: str | None = None


class Made(msgspec.Struct, frozen=True, rename="camel"):
    """What is read of the answer to a payment, a modification or a session."""

    psp_reference: str | None = None
    id: str | None = None
    """Of a session, which has no reference yet."""
    url: str | None = None
    result_code: str | None = None
    refusal_reason: str | None = None
    merchant_reference: str | None = None
    amount: Amount | None = None
    action: Action | None = None
    payment_method: Method | None = None


def of_session(body: bytes) -> PspAnswer:
    made = decode(body, Made)
    return PspAnswer(kind="done", psp_object_id=made.id, url=made.url)


def of_modification(body: bytes) -> PspAnswer:
    return PspAnswer(kind="done", psp_object_id=decode(body, Made).psp_reference)


def of_payment(call: PspCall, body: bytes, headers: Mapping[str, str]) -> PspAnswer:
    made = decode(body, Made)
    if made.result_code is None:
        return ended("unknown", "the answer has no resultCode")
    is_final = made.result_code in FINAL
    facts: tuple[PspFact, ...] = ()
    if made.psp_reference and (is_final or made.result_code in AUTHORISED):
        facts = tuple(authorisation(_item(call, made, made.psp_reference, answered_at(headers))))
    if is_final:
        answer = ended("declined", made.refusal_reason or made.result_code, facts)
        return msgspec.structs.replace(answer, psp_object_id=made.psp_reference)
    url = made.action.url if made.action else None
    return PspAnswer(kind="done", facts=facts, psp_object_id=made.psp_reference, url=url)


def _item(call: PspCall, made: Made, reference: str, at: datetime) -> Item:
    """The notification that will come, with what we know already."""
    additional = {f"{METADATA}{name}": value for name, value in short_metadata(call).items()}
    if call.capture:
        additional["captureDelayHours"] = "0"
    return Item(
        psp_reference=reference,
        merchant_reference=made.merchant_reference,
        amount=made.amount or Amount(call.amount, call.currency),
        event_code="AUTHORISATION",
        success="false" if made.result_code in FINAL else TRUE,
        additional_data=dict(additional),
        event_date=at,
        reason=made.refusal_reason,
        payment_method=made.payment_method.brand if made.payment_method else None,
    )


def of_transfer(body: bytes, headers: Mapping[str, str]) -> PspAnswer:
    made = decode(body, Transfer)
    facts = transfer_facts(made, answered_at(headers))
    if facts and facts[0].kind == "payout_failed":
        answer = ended("declined", facts[0].reason, facts)
        return msgspec.structs.replace(answer, psp_object_id=made.id)
    return PspAnswer(kind="done", facts=facts, psp_object_id=made.id)
