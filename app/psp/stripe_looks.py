"""What has become of a payment, refund or payout at Stripe, read from the object itself. Moves nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import aiohttp
import stripe
from msgspec.structs import replace

from app.domain.psp_calls import PspAnswer, PspCall, metadata
from app.psp.adapter import Unreadable
from app.psp.answers import Answered, ended
from app.psp.stripe_answers import intent_facts, of_intent, of_payout, of_refund, of_session, raw
from app.psp.stripe_requests import SESSION, of_payment, search

Api = stripe.StripeClient
NEWEST: Final = 100
"""Of refunds of a payment, and of payouts: as many as Stripe gives on one page."""
FAILURES: Final = (stripe.StripeError, Answered, Unreadable, aiohttp.ClientError, TimeoutError)


async def look(api: Api, call: PspCall) -> PspAnswer:
    """`get`: the payment as it stands. Asked for without the PSP's id it is searched for by ours.

    Stripe's search lags about a minute behind: what it does not find is unknown, never absent.
    """
    if call.payment_id is None:
        return await _look_for_payout(api, call)
    known = call.psp_payment_id or await searched(api, call)
    if known.startswith(SESSION):
        return await _of_page(api, known)
    return _as_seen(await _retrieved(api, known))


async def _look_for_payout(api: Api, call: PspCall) -> PspAnswer:
    found = await look_for(api, replace(call, operation="payout"))
    return ended("unknown", "no payout with our id is found") if found is None else _as_seen(found)


async def _retrieved(api: Api, intent: str) -> PspAnswer:
    return of_intent(*raw(await api.v1.payment_intents.retrieve_async(intent)))


async def searched(api: Api, call: PspCall) -> str:
    """The id of the payment with our ids. Raises Answered where none is found."""
    found = await api.v1.payment_intents.search_async({"query": search(call)})
    if not found.data:
        raise Answered(ended("unknown", "no payment with our ids is found yet"))
    return found.data[0].id


def _as_seen(answer: PspAnswer) -> PspAnswer:
    """Looking is done whatever is seen."""
    return replace(answer, kind="done", reason=None)


async def _of_page(api: Api, page: str) -> PspAnswer:
    """The payment that a hosted page has led to, or the page."""
    seen = of_session(*raw(await api.v1.checkout.sessions.retrieve_async(page)))
    known = str(seen.psp_object_id)
    return seen if known.startswith(SESSION) else _as_seen(await _retrieved(api, known))


async def what_became(api: Api, call: PspCall, otherwise: PspAnswer) -> PspAnswer:
    """Done, if the operation's own object says so; else `otherwise`, a decline with what is seen."""
    try:
        return await _found(api, call, otherwise)
    except FAILURES:
        return otherwise


async def _found(api: Api, call: PspCall, otherwise: PspAnswer) -> PspAnswer:
    if call.operation in ("refund", "payout", "authorize"):
        found = await look_for(api, call)
        return otherwise if found is None or found.kind == "unknown" else found
    if call.operation in ("capture", "void") and not str(call.psp_payment_id).startswith(SESSION):
        return await _intent(api, call, otherwise)
    return otherwise


async def look_for(api: Api, call: PspCall) -> PspAnswer | None:
    """What carries our ids, of an authorisation, refund or payout. None: there is nothing.

    Of an authorisation that holds only where it was asked for more than an hour ago: the search lags.
    """
    if call.operation == "authorize":
        found = await api.v1.payment_intents.search_async({"query": search(call)})
        return await _retrieved(api, found.data[0].id) if found.data else None
    if call.operation == "refund":
        of: Any = {**of_payment(call.psp_payment_id or await searched(api, call)), "limit": NEWEST}
        return _among(await api.v1.refunds.list_async(of), call, of_refund)
    return _among(await api.v1.payouts.list_async({"limit": NEWEST}), call, of_payout)


def _among(page: Any, call: PspCall, read: Callable[..., PspAnswer]) -> PspAnswer | None:
    made = next((read(*_one(each)) for each in page.data if _is_ours(each, call)), None)
    if made is None and getattr(page, "has_more", False):
        return ended("unknown", f"more than {NEWEST} to look through")
    return made


async def _intent(api: Api, call: PspCall, otherwise: PspAnswer) -> PspAnswer:
    known = call.psp_payment_id or await searched(api, call)
    body, headers = raw(await api.v1.payment_intents.retrieve_async(known))
    facts = intent_facts(body, headers)
    done = {"capture": ("captured", call.object_id), "void": ("voided", None)}[call.operation]
    if any((fact.kind, fact.object_id) == done for fact in facts):
        return PspAnswer(kind="done", facts=facts, psp_object_id=known)
    return replace(otherwise, facts=facts) if otherwise.kind == "declined" else otherwise


def _one(found: stripe.StripeObject) -> tuple[bytes, dict[str, str]]:
    """An object of a list, as its own answer would be."""
    return str(found).encode(), {}


def _is_ours(found: stripe.Refund | stripe.Payout, call: PspCall) -> bool:
    known: dict[str, str] = found.to_dict().get("metadata") or {}
    return all(known.get(name) == value for name, value in metadata(call).items())
