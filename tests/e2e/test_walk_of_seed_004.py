"""The walk of seed 004: checkout, hosted page, redirect before webhook, webhook, wallet, ledger, payout.

One payment through real processes, as its merchant and its payer live it: Kafka, PostgreSQL, worker, two web
processes, and the sandbox PSP, whose webhooks are held back until the payer has come back.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from tests.storm.shop import MERCHANT, Shop, open_shop
from tests.support.waiting import eventually

pytestmark = [pytest.mark.stack, pytest.mark.slow]
AMOUNT, PAID_OUT = 12_345, 9_000
WITHIN_SECONDS = 60.0
POSTED = "SELECT kind, count(*) AS times FROM ledger_transactions GROUP BY kind"
BALANCES = "SELECT account, sum(balance)::bigint AS balance FROM accounts GROUP BY account"
ORDER = {
    "payment_id": "pay-walk",
    "amount": AMOUNT,
    "currency": "EUR",
    "order_ref": "order-walk",
    "description": "Two chairs",
    "return_url": "https://shop.example/thanks",
}


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with open_shop(tmp_path, seed=4, faults="--faults webhooks_never=1", workers=1) as opened:
        yield opened


class Walk:
    """`merchant` has the API key; `payer` is a browser without scripts."""

    def __init__(self, shop: Shop, key: str, merchant: ClientSession, payer: ClientSession) -> None:
        self.shop, self.merchant, self.payer = shop, merchant, payer
        self._headers = {"Authorization": f"Bearer {key}"}

    async def ask(self, path: str, body: Mapping[str, Any], key: str) -> dict[str, Any]:
        headers = {**self._headers, "Idempotency-Key": key, "Prefer": "wait=10"}
        async with self.merchant.post(self.shop.urls[0] + path, json=body, headers=headers) as answer:
            document: dict[str, Any] = await answer.json()
            assert answer.status in (200, 201), document
            return document

    async def read(self, path: str) -> dict[str, Any]:
        """From the other web process than the one that is written to."""
        async with self.merchant.get(self.shop.urls[1] + path, headers=self._headers) as answer:
            document: dict[str, Any] = await answer.json()
            assert answer.status == 200, document
            return document

    async def page(self, url: str) -> str:
        async with self.payer.get(url) as answer:
            text = await answer.text()
            assert answer.status == 200, text
            return text

    async def webhooks_arrive(self) -> None:
        async with self.merchant.post(f"{self.shop.psp_url}_control/resend") as answer:
            assert (await answer.json())["sent"] > 0

    async def until(self, path: str, name: str, wanted: str) -> dict[str, Any]:
        """The document as soon as its field has this value."""

        async def holds() -> dict[str, Any] | None:
            document = await self.read(path)
            return document if document[name] == wanted else None

        found: dict[str, Any] | None = await eventually(holds, WITHIN_SECONDS, f"{path} to be {wanted}")
        assert found is not None
        return found


async def up(shop: Shop) -> None:
    async def ready() -> bool:
        async with ClientSession() as session:
            try:
                for url in (*(f"{each}readyz" for each in shop.urls), f"{shop.psp_url}_control/status"):
                    async with session.get(url) as answer:
                        if answer.status != 200:
                            return False
            except OSError:
                return False
            return True

    assert await eventually(ready, WITHIN_SECONDS, "all processes to answer")


async def test_the_walk_of_seed_004(shop: Shop) -> None:
    await up(shop)
    async with ClientSession() as merchant, ClientSession() as payer:
        walk = Walk(shop, await shop.key(), merchant, payer)
        back = await pay_on_the_hosted_page(walk)
        assert await redirect_confirms_nothing(walk, back)
        await webhook_confirms(walk, back)
        await wallet_and_ledger_have_it(walk)
        await payout(walk)
    await shop.verb("verify")


async def pay_on_the_hosted_page(walk: Walk) -> str:
    """Checkout at ours, payment at the PSP's page; returns where the PSP sends the browser."""
    payment = await walk.ask("v1/payments", ORDER, "walk")
    assert (payment["status"], payment["captured_amount"]) == ("created", 0)
    ours = await walk.page(payment["checkout_url"])
    assert "123.45" in ours
    assert "Two chairs" in ours
    hosted = re.search(rf'href="({re.escape(walk.shop.psp_url)}pay/[^"]+)"', ours)
    assert hosted, ours
    assert "tok_ok" in await walk.page(hosted[1])
    async with walk.payer.post(hosted[1], data={"token": "tok_ok"}, allow_redirects=False) as answer:
        assert answer.status == 303
        back = answer.headers["Location"]
    assert back.startswith(payment["checkout_url"])
    return back


async def redirect_confirms_nothing(walk: Walk, back: str) -> bool:
    """The payer is back before any webhook: nobody has the PSP's word yet."""
    text = (await walk.page(back)).lower()
    assert "processing" in text
    payment = await walk.read("v1/payments/pay-walk")
    balance = await walk.read(f"v1/merchants/{MERCHANT}/balance")
    return bool(payment["captured_amount"] == 0 and balance["balances"] == [])


async def webhook_confirms(walk: Walk, back: str) -> None:
    await walk.webhooks_arrive()
    payment = await walk.until("v1/payments/pay-walk", "status", "captured")
    assert payment["captured_amount"] == AMOUNT
    text = (await walk.page(back)).lower()
    assert "processing" not in text
    assert str(ORDER["return_url"]) in text


async def wallet_and_ledger_have_it(walk: Walk) -> None:
    async def available() -> int:
        balance = await walk.read(f"v1/merchants/{MERCHANT}/balance")
        return sum(each["available"] for each in balance["balances"])

    # Released by its timer, a second after the capture.
    assert await eventually(available, WITHIN_SECONDS, "the money to be available") == AMOUNT
    posted = (await walk.read("v1/ledger/transactions?payment_id=pay-walk"))["items"]
    capture = next(each for each in posted if each["kind"] == "capture")
    own = {(each["account"], each["direction"], each["amount"]) for each in capture["entries"]}
    assert own == {(f"m_pend:{MERCHANT}", "credit", AMOUNT)}, "a merchant sees its own side"


async def payout(walk: Walk) -> None:
    made = await walk.ask(
        "v1/payouts", {"amount": PAID_OUT, "currency": "EUR", "payout_id": "po-walk"}, "payday"
    )
    assert made["amount"] == PAID_OUT

    async def paid_at_the_psp() -> bool:
        async with walk.merchant.get(f"{walk.shop.psp_url}_control/books") as answer:
            return [each["status"] for each in (await answer.json())["payouts"]] == ["paid"]

    assert await eventually(paid_at_the_psp, WITHIN_SECONDS, "the PSP to pay")
    await walk.webhooks_arrive()
    await walk.until("v1/payouts/po-walk", "status", "paid")
    await walk.shop.rest(WITHIN_SECONDS)
    balances = {row["account"]: row["balance"] for row in await walk.shop.pool.fetch(BALANCES)}
    assert balances[f"m_avail:{MERCHANT}"] == AMOUNT - PAID_OUT
    assert (balances["psp_recv:sandbox"], balances["payout_transit"]) == (AMOUNT, 0)
    assert balances["bank:main"] == -PAID_OUT
    kinds = {row["kind"]: row["times"] for row in await walk.shop.pool.fetch(POSTED)}
    assert kinds == {"capture": 1, "funds_released": 1, "payout_started": 1, "payout_paid": 1}
