"""Every call of the adapter is one that Stripe's own mock accepts: it knows each parameter of the API."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import stripe
from aiohttp import ClientSession

from app.domain.psp_calls import PspAnswer
from app.psp.adapter import Access, Caller
from app.psp.stripe_calls import OPERATIONS, connect
from app.psp.stripe_transport import open_client
from tests.psp.stripe_world import call
from tests.support.stripe_mock import stripe_mock

pytestmark = pytest.mark.slow
PAGE = {"return_url": "https://shop.test/back"}
KEY = "sk_test_123"
CALLS: list[tuple[str, dict[str, Any]]] = [
    ("session", PAGE),
    ("session", {**PAGE, "capture": False, "description": "Tea", "currency": "JPY"}),
    ("authorize", {"payment_method": "pm_1"}),
    ("authorize", {"payment_method": "pm_1", "capture": False, **PAGE}),
    ("capture", {}),
    ("capture", {"amount": 700, "object_id": "cap-2"}),
    ("void", {}),
    ("void", {"psp_payment_id": "cs_1"}),
    ("refund", {}),
    ("refund", {"psp_payment_id": "ch_1"}),
    ("payout", {}),
    ("payout", {"destination": "ba_1", "description": "Week 47"}),
    ("get", {}),
    ("get", {"psp_payment_id": None}),
    ("get", {"psp_payment_id": "cs_1"}),
]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with stripe_mock() as url:
        yield url


@pytest.fixture
async def caller(address: str) -> AsyncIterator[Caller]:
    async with ClientSession() as session:
        yield connect(Access(KEY, address, timeout_seconds=60), session)


@pytest.mark.parametrize(("operation", "fields"), CALLS, ids=lambda part: str(part)[:40])
async def test_the_call_is_accepted(caller: Caller, operation: str, fields: dict[str, Any]) -> None:
    answer = await caller.perform(call(operation, **fields))
    assert accepted(answer), answer


async def test_what_the_api_does_not_know_is_not_accepted(address: str) -> None:
    """The mock does check, so that a row above means something."""
    unknown: Any = {"amount": 1, "currency": "eur", "final": True}
    async with ClientSession() as session:
        api = open_client(Access(KEY, address, timeout_seconds=60), session)
        with pytest.raises(stripe.InvalidRequestError, match="additional properties are not allowed"):
            await api.v1.payment_intents.create_async(unknown)


async def test_a_key_that_is_none(address: str) -> None:
    async with ClientSession() as session:
        answer = await connect(Access("no-key", address, timeout_seconds=60), session).perform(call("get"))
    assert answer.kind == "misconfigured"


def test_every_operation_has_a_row() -> None:
    assert {operation for operation, _ in CALLS} == set(OPERATIONS)


def accepted(answer: PspAnswer) -> bool:
    """The mock gives objects in any state; it makes no error of a request that is right."""
    return answer.kind == "done" or (answer.kind == "declined" and bool(answer.facts))
