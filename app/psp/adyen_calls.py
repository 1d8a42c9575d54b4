"""Adyen's API: Checkout v71, and Transfers v4 for payouts.

The older Payout API is not used: it wants each payout confirmed by a second request of another user. Adyen's
own library is synchronous, so these are its plain JSON requests over our aiohttp session.

`TALLYSTICK_PSP_ADYEN_ACCOUNT` is the merchant account, or `{merchant account}/{balance account}` where
payouts are made; `_API_KEY` then holds two keys with a comma between them, the second for transfers.
`_API_URL` is the live address of Checkout with its prefix and version; without one it is the test address.
Idempotency keys hold for at least seven days (docs.adyen.com/development-resources/api-idempotency).

Checkout cannot be asked what has become of a payment: `get` is done without a fact, the webhook tells.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp
import msgspec

from app.domain.psp_calls import Operation, PspAnswer, PspCall, idempotency_key
from app.psp import adyen_requests as requests
from app.psp.adapter import Access, Caller, Unreadable
from app.psp.adyen_answers import of_modification, of_payment, of_session, of_transfer
from app.psp.adyen_errors import read_error
from app.psp.answers import Answered, ended, timeout_of, unanswered
from app.psp.reading import NotPayable

TEST_ADDRESS: Final = "https://checkout-test.adyen.com/v71"
TRANSFERS: Final = {
    "adyen.com": "https://balanceplatform-api-test.adyen.com/btl/v4",
    "adyenpayments.com": "https://balanceplatform-api-live.adyen.com/btl/v4",
}
"""By the domain of Checkout; at any other address they are expected below it."""
Headers = Mapping[str, str]


class AdyenCaller:
    """One merchant account at Adyen, and the balance account that its payouts leave from."""

    def __init__(self, access: Access, session: aiohttp.ClientSession) -> None:
        self._session, self._timeout = session, timeout_of(access)
        self._checkout = (access.url or TEST_ADDRESS).rstrip("/")
        self.account, _, self.balance_account = (access.account or "").partition("/")
        self._key, _, transfers_key = access.api_key.partition(",")
        self._transfers_key = transfers_key.strip() or self._key

    async def perform(self, call: PspCall) -> PspAnswer:
        try:
            if not self.account:
                return ended("misconfigured", "TALLYSTICK_PSP_ADYEN_ACCOUNT names no merchant account")
            return await OPERATIONS[call.operation](self, call)
        except Answered as known:
            return known.answer
        except NotPayable as wrong:
            return ended("declined", str(wrong))
        except Unreadable as wrong:
            return ended("unknown", f"unreadable answer: {wrong}")
        except (aiohttp.ClientError, TimeoutError) as error:
            return unanswered(error)

    async def checkout(self, call: PspCall, path: str, document: Any) -> tuple[bytes, Headers]:
        return await self._post(call, f"{self._checkout}/{path}", self._key, document)

    async def transfers(self, call: PspCall, document: Any) -> tuple[bytes, Headers]:
        domain = ".".join((urlsplit(self._checkout).hostname or "").split(".")[-2:])
        address = TRANSFERS.get(domain, f"{self._checkout}/btl/v4")
        return await self._post(call, f"{address}/transfers", self._transfers_key, document)

    async def _post(self, call: PspCall, url: str, key: str, document: Any) -> tuple[bytes, Headers]:
        """Raises Answered for an error. A redirect is not followed: the key belongs to this address alone."""
        headers = {
            "X-API-Key": key,
            "Idempotency-Key": idempotency_key(call),
            "Content-Type": "application/json",
        }
        data = msgspec.json.encode(document)
        async with self._session.post(
            url, data=data, headers=headers, timeout=self._timeout, allow_redirects=False
        ) as response:
            body = await response.read()
            if not response.ok or response.status >= REDIRECT:
                raise Answered(read_error(response.status, response.headers, body))
            return body, response.headers


REDIRECT: Final = 300


async def _session(adyen: AdyenCaller, call: PspCall) -> PspAnswer:
    body, _ = await adyen.checkout(call, "sessions", requests.session(call, adyen.account))
    return of_session(body)


async def _authorize(adyen: AdyenCaller, call: PspCall) -> PspAnswer:
    made = await adyen.checkout(call, "payments", requests.authorize(call, adyen.account))
    return of_payment(call, *made)


async def _modify(adyen: AdyenCaller, call: PspCall) -> PspAnswer:
    body, _ = await adyen.checkout(call, requests.path(call), requests.modification(call, adyen.account))
    return of_modification(body)


async def _payout(adyen: AdyenCaller, call: PspCall) -> PspAnswer:
    if not adyen.balance_account:
        return ended("misconfigured", "payout: TALLYSTICK_PSP_ADYEN_ACCOUNT names no balance account")
    return of_transfer(*await adyen.transfers(call, requests.transfer(call, adyen.balance_account)))


async def _get(adyen: AdyenCaller, call: PspCall) -> PspAnswer:
    return PspAnswer(kind="done")


OPERATIONS: Final[Mapping[Operation, Callable[[AdyenCaller, PspCall], Awaitable[PspAnswer]]]] = {
    "session": _session,
    "authorize": _authorize,
    "capture": _modify,
    "void": _modify,
    "refund": _modify,
    "payout": _payout,
    "get": _get,
}


def connect(access: Access, session: aiohttp.ClientSession) -> Caller:
    return AdyenCaller(access, session)
