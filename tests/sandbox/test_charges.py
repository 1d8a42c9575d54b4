"""Charging over real HTTP: what every token does, keys and their answers, limits that nothing gets past."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest

from tests.support.sandbox import OURS, sandbox

BODY = {"amount": 10_000, "currency": "EUR", "token": "tok_ok", "metadata": OURS}


@pytest.mark.parametrize(
    ("token", "status", "becomes", "reason"),
    [
        ("tok_ok", 201, "captured", None),
        ("tok_slow", 201, "captured", None),
        ("tok_declined", 402, "failed", "card_declined"),
        ("tok_insufficient_funds", 402, "failed", "insufficient_funds"),
        ("tok_3ds_ok", 201, "requires_action", None),
        ("tok_3ds_fails", 201, "requires_action", None),
    ],
)
async def test_what_a_token_does(token: str, status: int, becomes: str, reason: str | None) -> None:
    async with sandbox() as psp:
        answered, made = await psp.post("/v1/charges", {**BODY, "token": token})
        charge = made["error"]["charge"] if status == 402 else made
        assert (answered, charge["status"], charge.get("reason")) == (status, becomes, reason)
        assert (await psp.get(f"/v1/charges/{charge['id']}"))[1] == charge


@pytest.mark.parametrize(
    ("token", "first", "done"),
    [("tok_error_but_done", 500, 1), ("tok_error", 500, 0), ("tok_timeout", 0, 1)],
)
async def test_a_token_that_hides_what_happened_is_answered_the_second_time(
    token: str, first: int, done: int
) -> None:
    async with sandbox({"hang_seconds": 0.1}) as psp:
        try:
            status, _ = await psp.post("/v1/charges", {**BODY, "token": token}, "key")
        except aiohttp.ServerDisconnectedError:
            status = 0
        assert (status, len((await psp.books())["charges"])) == (first, done)
        status, charge = await psp.post("/v1/charges", {**BODY, "token": token}, "key")
        assert (status, charge["status"], len((await psp.books())["charges"])) == (201, "captured", 1)


async def test_a_key_has_one_answer() -> None:
    async with sandbox() as psp:
        first = await psp.post("/v1/charges", BODY, "key")
        assert await psp.post("/v1/charges", dict(reversed(BODY.items())), "key") == first
        assert psp.headers["Idempotent-Replayed"] == "true"
        assert (await psp.post("/v1/charges", {**BODY, "amount": 1}, "key"))[0] == 409
        assert (await psp.post(f"/v1/charges/{first[1]['id']}/refunds", {}, "key"))[0] == 409
        assert len((await psp.books())["charges"]) == 1


async def test_a_refusal_of_the_books_is_kept_with_its_key() -> None:
    async with sandbox() as psp:
        charge = await psp.charge(capture=False)
        path = f"/v1/charges/{charge['id']}"
        refused = await psp.post(f"{path}/refunds", {"amount": 1}, "early")
        assert (refused[0], refused[1]["error"]["code"]) == (422, "exceeds_captured")
        await psp.post(f"{path}/captures", {})
        assert await psp.post(f"{path}/refunds", {"amount": 1}, "early") == refused
        assert (await psp.post(f"{path}/refunds", {"amount": 1}, "later"))[0] == 201


async def test_fifty_equal_requests_at_once_are_one() -> None:
    async with sandbox({"latency_ms": 20}) as psp:
        answers = await asyncio.gather(*[psp.post("/v1/charges", BODY, "same") for _ in range(50)])
        assert {(status, made["id"]) for status, made in answers} == {(201, answers[0][1]["id"])}
        assert len((await psp.books())["movements"]) == 1


async def test_captures_never_exceed_what_is_authorised() -> None:
    async with sandbox({"latency_ms": 10}) as psp:
        path = f"/v1/charges/{(await psp.charge(capture=False))['id']}"
        asked = [psp.post(f"{path}/captures", {"amount": 3_000}) for _ in range(20)]
        statuses = [status for status, _ in await asyncio.gather(*asked)]
        assert sorted(statuses) == [201] * 3 + [422] * 17
        rest = await psp.post(f"{path}/captures", {})
        assert (rest[1]["amount"], rest[1]["charge"]) == (1_000, path.rpartition("/")[2])
        assert (await psp.get(path))[1]["amount_captured"] == 10_000
        assert (await psp.post(f"{path}/void", {}))[1]["error"]["code"] == "not_voidable"


async def test_refunds_and_disputes_together_never_exceed_what_was_captured() -> None:
    async with sandbox() as psp:
        charge = (await psp.charge())["id"]
        asked = [psp.post(f"/v1/charges/{charge}/refunds", {"amount": 6_000}) for _ in range(50)]
        statuses = [status for status, _ in await asyncio.gather(*asked)]
        assert statuses.count(201) == 1
        dispute = f"/_control/charges/{charge}/disputes"
        assert (await psp.post(dispute, {"amount": 4_001}))[1]["error"]["code"] == "exceeds_captured"
        opened = (await psp.post(dispute, {"amount": 4_000}))[1]
        assert (await psp.post(f"/v1/charges/{charge}/refunds", {}))[0] == 422
        await psp.post(f"/_control/disputes/{opened['id']}/win")
        assert (await psp.post(f"/v1/charges/{charge}/refunds", {}))[1]["amount"] == 4_000


async def test_void_gives_up_what_is_left() -> None:
    async with sandbox() as psp:
        whole, part = await psp.charge(capture=False), await psp.charge(capture=False)
        assert (await psp.post(f"/v1/charges/{whole['id']}/void", {}))[1]["status"] == "voided"
        await psp.post(f"/v1/charges/{part['id']}/captures", {"amount": 1})
        given_up = (await psp.post(f"/v1/charges/{part['id']}/void", {}))[1]
        assert (given_up["status"], given_up["amount_captured"]) == ("captured", 1)
        for charge in (whole, part):
            assert (await psp.post(f"/v1/charges/{charge['id']}/captures", {}))[0] == 422


async def test_an_authorisation_lapses() -> None:
    async with sandbox(terms={"authorization_seconds": 0.1}) as psp:
        charge, taken = await psp.charge(capture=False), await psp.charge()

        await psp.until(f"/v1/charges/{charge['id']}", "expired")
        assert (await psp.get(f"/v1/charges/{taken['id']}"))[1]["status"] == "captured"


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"amount": 1.5}, "amount"),
        ({"amount": 0}, "amount"),
        ({"amount": "100"}, "amount"),
        ({"currency": "eur"}, "currency"),
        ({"token": None}, "token"),
        ({"metadata": {"a": 1}}, "metadata[...]"),
        ({"card": {"number": "4242424242424242"}}, None),
    ],
)
async def test_what_cannot_be_read_is_refused_and_named(changed: dict[str, Any], field: str | None) -> None:
    async with sandbox() as psp:
        status, answer = await psp.post("/v1/charges", {**BODY, **changed}, "key")
        assert (status, answer["error"].get("field")) == (400, field)
        assert (await psp.post("/v1/charges", BODY, "key"))[0] == 201  # the key is still free


@pytest.mark.parametrize("token", ["tok_nobody", "4242424242424242"])
async def test_what_is_no_token_is_refused_and_not_repeated(token: str) -> None:
    async with sandbox() as psp:
        status, answer = await psp.post("/v1/charges", {**BODY, "token": token})
        assert (status, answer["error"]["code"], answer["error"]["field"]) == (422, "invalid_token", "token")
        assert token not in str(answer)
        assert (await psp.books())["charges"] == []


async def test_the_doors_are_locked() -> None:
    async with sandbox() as psp:
        assert (await psp.send("POST", "/v1/charges", BODY, {"Authorization": "Bearer other"}))[0] == 401
        assert (await psp.send("POST", "/v1/charges", BODY))[1]["error"]["code"] == "idempotency_key_required"
        assert (await psp.get("/v1/charges/ch_none"))[0] == (await psp.get("/v1/nothing"))[0] == 404
        assert (await psp.post("/v1/charges/ch_none/captures", {}))[0] == 404


async def test_lists_and_finding_by_our_ids() -> None:
    async with sandbox() as psp:
        first, second = await psp.charge(), await psp.charge(metadata={**OURS, "payment_id": "pay-2"})
        listed = (await psp.get("/v1/charges?limit=1"))[1]["data"]
        assert [each["id"] for each in listed] == [second["id"]]
        found = (await psp.get("/v1/charges?merchant_id=m-1&payment_id=pay-1"))[1]["data"]
        assert [each["id"] for each in found] == [first["id"]]
        assert (await psp.get("/v1/charges?merchant_id=m-2&payment_id=pay-1"))[1]["data"] == []
        assert (await psp.get("/v1/charges?limit=101"))[0] == 400
