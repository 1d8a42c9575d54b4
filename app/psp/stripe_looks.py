"""What has become of a payment, refund or payout at Stripe, read from the object itself. Moves nothing."""

from __future__ import annotations

from typing import Any, Final

import aiohttp
import stripe
from msgspec.structs import replace

from app.domain.psp_calls import PspAnswer, PspCall, metadata
from app.psp.adapter import Unreadable
from app.psp.answers import Answered, ended
from app.psp.stripe_answers import intent_facts, of_intent, of_payout, of_refund, of_session, raw
from app.psp.stripe_requests import SESSION, payment_kind, search

Api = stripe.StripeClient
NEWEST: Final = 100
"""Of refunds of a payment, and of payouts: as many as Stripe gives on one page."""
FAILURES: Final = (stripe.StripeError, Answered, Unreadable, aiohttp.ClientError, TimeoutError)


async def look(api: Api, call: PspCall) -> PspAnswer:
    """`get`: the payment as it stands. Asked for without the PSP's id it is searched for by ours.

    Stripe's search lags about a minute behind: what it does not find is unknown, never absent.
    """
    known = call.psp_payment_id
    if known is None:
        found = await api.v1.payment_intents.search_async({"query": search(call)})
        if not found.data:
            return ended("unknown", "no payment with our ids is found yet")
        known = found.data[0].id
    if known.startswith(SESSION):
        return await _of_page(api, known)
    return _as_seen(of_intent(*raw(await api.v1.payment_intents.retrieve_async(known))))


def _as_seen(answer: PspAnswer) -> PspAnswer:
    """Looking is done whatever is seen."""
    return replace(answer, kind="done", reason=None)


async def _of_page(api: Api, page: str) -> PspAnswer:
    """The payment that a hosted page has led to, or the page."""
    session = await api.v1.checkout.sessions.retrieve_async(page)
    if not session.payment_intent:
        return of_session(*raw(session))
    intent = await api.v1.payment_intents.retrieve_async(str(session.payment_intent))
    return _as_seen(of_intent(*raw(intent)))


async def what_became(api: Api, call: PspCall, otherwise: PspAnswer) -> PspAnswer:
    """Done, if the operation's own object says so; else `otherwise`, a decline with what is seen."""
    try:
        return await _found(api, call, otherwise)
    except FAILURES:
        return otherwise


async def _found(api: Api, call: PspCall, otherwise: PspAnswer) -> PspAnswer:
    if call.operation == "refund":
        return await _refund(api, call) or otherwise
    if call.operation == "payout":
        return await _payout(api, call) or otherwise
    if call.operation == "authorize":
        found = await look(api, call)
        return found if found.facts else otherwise
    if call.operation in ("capture", "void") and not str(call.psp_payment_id).startswith(SESSION):
        return await _intent(api, call, otherwise)
    return otherwise


async def _refund(api: Api, call: PspCall) -> PspAnswer | None:
    of: Any = {payment_kind(call): call.psp_payment_id, "limit": NEWEST}
    made = await api.v1.refunds.list_async(of)
    return next((of_refund(*_one(each)) for each in made.data if _is_ours(each, call)), None)


async def _payout(api: Api, call: PspCall) -> PspAnswer | None:
    made = await api.v1.payouts.list_async({"limit": NEWEST})
    return next((of_payout(*_one(each)) for each in made.data if _is_ours(each, call)), None)


async def _intent(api: Api, call: PspCall, otherwise: PspAnswer) -> PspAnswer:
    body, headers = raw(await api.v1.payment_intents.retrieve_async(str(call.psp_payment_id)))
    facts = intent_facts(body, headers)
    done = {"capture": ("captured", call.object_id), "void": ("voided", None)}[call.operation]
    if any((fact.kind, fact.object_id) == done for fact in facts):
        return PspAnswer(kind="done", facts=facts, psp_object_id=call.psp_payment_id)
    return replace(otherwise, facts=facts) if otherwise.kind == "declined" else otherwise


def _one(found: stripe.StripeObject) -> tuple[bytes, dict[str, str]]:
    """An object of a list, as its own answer would be."""
    return str(found).encode(), {}


def _is_ours(found: stripe.Refund | stripe.Payout, call: PspCall) -> bool:
    known: dict[str, str] = found.to_dict().get("metadata") or {}
    return all(known.get(name) == value for name, value in metadata(call).items())
