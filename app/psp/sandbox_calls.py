"""The sandbox PSP's API: each operation of ours as one request, each end of it as one answer.

Everything is JSON with a Bearer key; `Idempotency-Key` makes repeats one operation, for ever. A charge is
found by its id, by its session's, or by our ids in its metadata.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import quote, urlencode

import aiohttp
import msgspec

from app.domain.psp_calls import Operation, PspAnswer, PspCall, idempotency_key, metadata
from app.psp.adapter import Access, Caller, Unreadable
from app.psp.answers import BUSY, Answered, busy, ended, timeout_of, unanswered
from app.psp.reading import decode
from app.psp.sandbox_answers import of_capture, of_charge, of_declined, of_payout, of_refund, of_session

DECLINED: Final = 402
REFUSED: Final = 422
"""The PSP's books do not allow it: more than is authorised, captured …"""
DESCRIPTION_LENGTH: Final = 200


class Fault(msgspec.Struct, frozen=True):
    code: str = "no code"
    message: str = ""
    field: str | None = None
    charge: msgspec.Raw = msgspec.Raw(b"")


class Failed(msgspec.Struct, frozen=True):
    error: Fault


class Found(msgspec.Struct, frozen=True):
    data: list[msgspec.Raw]


class Received(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytes


class SandboxCaller:
    def __init__(self, access: Access, session: aiohttp.ClientSession) -> None:
        self._access, self._session = access, session
        self._timeout = timeout_of(access)

    async def perform(self, call: PspCall) -> PspAnswer:
        try:
            if call.operation == "get":
                return await self._look(call)
            made = await self._send("POST", await self._path(call), _body(call), idempotency_key(call))
            return _answer(made, READ[call.operation])
        except Answered as known:
            return known.answer
        except Unreadable as wrong:
            return ended("unknown", f"unreadable answer: {wrong}")
        except (aiohttp.ClientError, TimeoutError) as error:
            return unanswered(error)

    async def _look(self, call: PspCall) -> PspAnswer:
        """What has become of a payment, or of a payout where no payment is named."""
        kind, read = ("charges", of_charge) if call.payment_id else ("payouts", of_payout)
        if call.psp_payment_id is None:
            return read(await self._found(kind, call))
        return _answer(await self._send("GET", f"/v1/{kind}/{_part(call.psp_payment_id)}"), read)

    async def _found(self, kind: str, call: PspCall) -> bytes:
        """By our ids. Raises Answered: the PSP knows none, so nothing has happened to it there."""
        ours = {"payment_id": call.payment_id} if call.payment_id else {"payout_id": call.object_id}
        query = urlencode({"merchant_id": call.merchant_id, **ours})
        received = await self._send("GET", f"/v1/{kind}?{query}")
        if received.status != 200:
            raise Answered(_failed(received))
        found = decode(received.body, Found).data
        if not found:
            raise Answered(ended("declined", "not_found"))
        return bytes(found[0])

    async def _path(self, call: PspCall) -> str:
        if call.operation in NEW:
            return NEW[call.operation]
        charge = call.psp_payment_id or of_charge(await self._found("charges", call)).psp_object_id
        return f"/v1/charges/{_part(charge or '')}/{OF_A_CHARGE[call.operation]}"

    async def _send(self, method: str, path: str, body: Any = None, key: str = "") -> Received:
        if self._access.url is None:
            raise Answered(ended("misconfigured", "TALLYSTICK_PSP_SANDBOX_API_URL is not set"))
        headers = {"Authorization": f"Bearer {self._access.api_key}", "Content-Type": "application/json"}
        if key:
            headers["Idempotency-Key"] = key
        async with self._session.request(
            method,
            self._access.url + path,
            data=None if body is None else msgspec.json.encode(body),
            headers=headers,
            timeout=self._timeout,
            allow_redirects=False,
        ) as answer:
            return Received(answer.status, answer.headers, await answer.read())


NEW: Final[Mapping[Operation, str]] = {
    "session": "/v1/sessions",
    "authorize": "/v1/charges",
    "payout": "/v1/payouts",
}
OF_A_CHARGE: Final[Mapping[Operation, str]] = {"capture": "captures", "void": "void", "refund": "refunds"}
READ: Final[Mapping[Operation, Callable[[bytes], PspAnswer]]] = {
    "session": of_session,
    "authorize": of_charge,
    "capture": of_capture,
    "void": of_charge,
    "refund": of_refund,
    "payout": of_payout,
}


def _body(call: PspCall) -> dict[str, Any]:
    body: dict[str, Any] = {"metadata": metadata(call)}
    if call.operation != "void":
        body["amount"] = call.amount
    if call.operation in NEW:
        body["currency"] = call.currency
    if call.operation in ("session", "authorize"):
        body |= {"capture": call.capture, "return_url": call.return_url}
    if call.operation == "session":
        body["description"] = (call.description or "")[:DESCRIPTION_LENGTH] or None
    if call.operation == "authorize":
        body["token"] = call.payment_method
    if call.operation == "payout":
        body["destination"] = call.destination
    return body


def _answer(received: Received, read: Callable[[bytes], PspAnswer]) -> PspAnswer:
    return read(received.body) if 200 <= received.status < 300 else _failed(received)


def _failed(received: Received) -> PspAnswer:
    status = received.status
    if status in BUSY:
        return busy(status, received.headers)
    if status >= 500 or status < 400:
        return ended("unknown" if status >= 500 else "misconfigured", f"HTTP {status}")
    try:
        fault = decode(received.body, Failed).error
    except Unreadable:
        return ended(
            "misconfigured", f"HTTP {status}"
        )  # a proxy's page: nobody there took it for a PSP's request
    if status == DECLINED:
        return of_declined(fault.charge, fault.code)
    if status == REFUSED:
        return ended("declined", fault.code)
    return ended("misconfigured", f"{fault.code}: {fault.message}")


def _part(psp_id: str) -> str:
    return quote(psp_id, safe="")


def connect(access: Access, session: aiohttp.ClientSession) -> Caller:
    return SandboxCaller(access, session)
