"""Many at once, from several processes to two web processes: never over the limit, one effect each.

Rows 1 and 2 of the list of mistakes others have (domain.md §8), and two webhooks' cousin, the double click.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from typing import Any

import pytest
from aiohttp import ClientSession

from tests.api.conftest import Api
from tests.support.commands import CHECKOUT

pytestmark = [pytest.mark.stack, pytest.mark.slow]
CLIENTS, TIMES = 4, 13
PAYMENT = {"amount": 10000, "currency": "EUR", "payment_method": "tok_ok"}


async def client(api: Api, number: int, path: str, key: str, times: int, body: Any) -> list[Any]:
    arguments = [api.urls[number % 2], api.key, path, key, str(times), json.dumps(body)]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.api.client", *arguments, cwd=CHECKOUT, stdout=asyncio.subprocess.PIPE
    )
    printed, _ = await process.communicate()
    assert process.returncode == 0
    return list(json.loads(printed))


async def test_creations_with_one_key_from_many_processes_make_one_payment(api: Api) -> None:
    body = {**PAYMENT, "order_ref": "o-1"}
    several = await asyncio.gather(
        *[client(api, number, "/v1/payments", "one-key", TIMES, body) for number in range(CLIENTS)]
    )
    answers = [answer for answers in several for answer in answers]
    assert len(answers) == CLIENTS * TIMES > 50
    assert len({document["id"] for _, document, _ in answers}) == 1
    assert Counter((status, replayed) for status, _, replayed in answers) == {
        (201, None): 1,
        (200, "true"): CLIENTS * TIMES - 1,
    }
    assert {document["status"] for _, document, _ in answers} == {"captured"}
    assert await api.live.pool.fetchval("SELECT count(*) FROM payments") == 1
    assert await api.live.pool.fetchval("SELECT count(*) FROM effects") == 1
    assert await balance(api, "m_pend:m-1") == 10000
    async with ClientSession() as session:
        assert len((await api.charges(session))["charges"]) == 1


async def test_parallel_refunds_never_exceed_the_capture(api: Api) -> None:
    """juspay/hyperswitch#13182: two parallel refunds of 60 on a capture of 100 both succeeded."""
    async with ClientSession() as session:
        payment = (await api.post(session, "/v1/payments", PAYMENT, "p"))[1]
        assert payment["status"] == "captured"
        path, body = f"/v1/payments/{payment['id']}/refunds", {"amount": 600, "currency": "EUR"}
        answers = await asyncio.gather(
            *[api.post(session, path, body, f"r-{number}", number % 2) for number in range(50)]
        )
        statuses = Counter(status for status, _, _ in answers)
        assert statuses == {201: 16, 409: 34}  # 16 times 600 fit into 10000
        refusals = {document["refusal"] for status, document, _ in answers if status == 409}
        assert refusals == {"refund_exceeds_captured"}
        psps = (await api.charges(session))["refunds"]
        assert len(psps) == 16
    assert await balance(api, "m_pend:m-1") == 400
    assert await refunds_posted(api) == 16  # blnkfinance/blnk#374: a refused request posts nothing
    assert api.live.run("verify").returncode == 0


async def test_parallel_captures_never_exceed_what_is_authorised(api: Api) -> None:
    async with ClientSession() as session:
        manual = {**PAYMENT, "capture_method": "manual"}
        payment = (await api.post(session, "/v1/payments", manual, "p"))[1]
        assert payment["status"] == "authorized"
        path, body = f"/v1/payments/{payment['id']}/capture", {"amount": 3000, "currency": "EUR"}
        answers = await asyncio.gather(
            *[api.post(session, path, body, f"c-{number}", number % 2) for number in range(50)]
        )
        assert Counter(status for status, _, _ in answers) == {201: 3, 409: 47}
        refusals = {document["refusal"] for status, document, _ in answers if status == 409}
        assert refusals == {"capture_exceeds_authorized"}
    assert await api.live.pool.fetchval("SELECT captured_amount FROM payments") == 9000


async def balance(api: Api, account: str) -> int:
    return int(await api.live.pool.fetchval("SELECT sum(balance) FROM accounts WHERE account = $1", account))


async def refunds_posted(api: Api) -> int:
    return int(await api.live.pool.fetchval("SELECT count(*) FROM ledger_transactions WHERE kind = 'refund'"))
