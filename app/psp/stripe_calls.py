"""Stripe's API through its own SDK: each operation of ours as one call, each end of it as one answer.

Stripe keeps a key for at least 24 hours (docs.stripe.com/api/idempotent_requests); later what was made before
is looked for first. Under a key it gives its first answer again, be it a 500: then, and where the object was
in another state than we thought, the object itself is read. A capture is final: several captures of one
authorisation, a feature of some Stripe contracts, are not made.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import aiohttp
import msgspec
import stripe

from app.domain.psp_calls import Operation, PspAnswer, PspCall
from app.psp import stripe_requests as requests
from app.psp.adapter import Access, Caller, Unreadable
from app.psp.answers import Answered, ended, unanswered
from app.psp.reading import NotPayable
from app.psp.stripe_answers import of_intent, of_payout, of_refund, of_session, raw
from app.psp.stripe_errors import Read, read_error
from app.psp.stripe_looks import FAILURES, look, look_for, searched, what_became
from app.psp.stripe_requests import SESSION, options
from app.psp.stripe_transport import open_client

Api = stripe.StripeClient


class StripeCaller:
    """One account at Stripe."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def perform(self, call: PspCall) -> PspAnswer:
        try:
            return await OPERATIONS[call.operation](self._api, call)
        except stripe.StripeError as error:
            return await self._failed(call, read_error(error, call))
        except Answered as known:
            return known.answer
        except NotPayable as wrong:
            return ended("declined", str(wrong))
        except Unreadable as wrong:
            return ended("unknown", f"unreadable answer: {wrong}")
        except (aiohttp.ClientError, TimeoutError) as error:
            return unanswered(error)

    async def perform_late(self, call: PspCall) -> PspAnswer:
        """Made only where nothing with our ids is found; what cannot be seen stays unknown."""
        try:
            made = await look_for(self._api, call)
        except FAILURES as error:
            return ended("unknown", f"could not look whether it was made: {type(error).__name__}")
        return made or await self.perform(call)

    async def _failed(self, call: PspCall, read: Read) -> PspAnswer:
        if read.fault.payment_intent is not None:
            intent = of_intent(msgspec.json.encode(read.fault.payment_intent), {})
            return msgspec.structs.replace(
                read.answer, facts=intent.facts, psp_object_id=intent.psp_object_id or _id_of(intent)
            )
        return await what_became(self._api, call, read.answer) if read.is_worth_looking else read.answer


def _id_of(answer: PspAnswer) -> str | None:
    return answer.facts[0].psp_payment_id if answer.facts else None


async def _session(api: Api, call: PspCall) -> PspAnswer:
    made = await api.v1.checkout.sessions.create_async(requests.session(call), options(call))
    return of_session(*raw(made))


async def _authorize(api: Api, call: PspCall) -> PspAnswer:
    made = await api.v1.payment_intents.create_async(requests.authorize(call), options(call))
    return of_intent(*raw(made))


async def _capture(api: Api, call: PspCall) -> PspAnswer:
    known = await _id(api, call)
    intent = await api.v1.payment_intents.capture_async(known, requests.capture(call), options(call))
    return of_intent(*raw(intent))


async def _void(api: Api, call: PspCall) -> PspAnswer:
    """A page that nobody has paid on is closed instead."""
    known = await _id(api, call)
    if known.startswith(SESSION):
        return of_session(*raw(await api.v1.checkout.sessions.expire_async(known, {}, options(call))))
    return of_intent(*raw(await api.v1.payment_intents.cancel_async(known, {}, options(call))))


async def _refund(api: Api, call: PspCall) -> PspAnswer:
    asked = requests.refund(call, await _id(api, call))
    return of_refund(*raw(await api.v1.refunds.create_async(asked, options(call))))


async def _payout(api: Api, call: PspCall) -> PspAnswer:
    return of_payout(*raw(await api.v1.payouts.create_async(requests.payout(call), options(call))))


async def _id(api: Api, call: PspCall) -> str:
    """Stripe's id of the payment; searched for where no answer and no event has brought it yet."""
    return call.psp_payment_id or await searched(api, call)


OPERATIONS: Final[Mapping[Operation, Callable[[Api, PspCall], Awaitable[PspAnswer]]]] = {
    "session": _session,
    "authorize": _authorize,
    "capture": _capture,
    "void": _void,
    "refund": _refund,
    "payout": _payout,
    "get": look,
}


def connect(access: Access, session: aiohttp.ClientSession) -> Caller:
    return StripeCaller(open_client(access, session))
