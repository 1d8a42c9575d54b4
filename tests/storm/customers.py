"""What customers of the storm do: pay at once, on a tab, on the hosted page, twice by mistake, and regret it.

Every customer leaves what the API accepted from them (`Ledger`): the third account of the same money, beside
the PSP's books and ours.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

import aiohttp

from tests.storm.client import Answer, Client

CURRENCIES: Final = ("EUR", "USD", "JPY")
TOKENS: Final = {
    "tok_ok": 70, "tok_declined": 6, "tok_insufficient_funds": 4, "tok_timeout": 6,
    "tok_error_but_done": 6, "tok_error": 6, "tok_slow": 2,
}  # fmt: skip
AT_ONCE: Final = 5


@dataclass(slots=True)
class Ledger:
    """Minor units that the API said yes to. `refunds` and `captures`: payment -> id -> amount."""

    payments: dict[str, int] = field(default_factory=dict)
    captures: defaultdict[str, dict[str, int]] = field(default_factory=lambda: defaultdict(dict))
    refunds: defaultdict[str, dict[str, int]] = field(default_factory=lambda: defaultdict(dict))
    payouts: dict[str, int] = field(default_factory=dict)
    refused: Counter[str] = field(default_factory=Counter)


class Customer:
    """`number` makes all ids of this customer; nothing else does, so a run is repeatable."""

    def __init__(self, client: Client, ledger: Ledger, random: Random, number: int) -> None:
        self._client, self._ledger, self._random = client, ledger, random
        self.id = f"order-{number}"
        self._currency = random.choice(CURRENCIES)
        self._amount = random.randrange(500, 50_000)

    async def act(self) -> None:
        ways: dict[Callable[[], Awaitable[None]], int] = {
            self.pay: 40, self.tab: 20, self.regret: 20, self.hosted: 12, self.insist: 5, self.give_up: 3,
            self.payday: 4,
        }  # fmt: skip
        await self._random.choices(list(ways), list(ways.values()))[0]()

    async def pay(self) -> None:
        """At once, whatever the card does."""
        await self._create(payment_method=self._token())
        await self._client.until_final(self.id)

    async def tab(self) -> None:
        """Authorised first; captured in parts, some at the same time, more than there is among them."""
        await self._create(payment_method="tok_ok", capture_method="manual")
        if await self._status() != "authorized":
            return
        third = self._amount // 3
        wanted = [third] * 2 + ([self._amount - third] if self._random.random() < 0.5 else [])
        await asyncio.gather(*(self._capture(index, amount) for index, amount in enumerate(wanted)))
        await self._client.until_final(self.id)

    async def give_up(self) -> None:
        """Authorised, then voided; a capture at the same time may win or lose."""
        await self._create(payment_method="tok_ok", capture_method="manual")
        if await self._status() != "authorized":
            return
        await asyncio.gather(
            self._ask(f"v1/payments/{self.id}/void", {}, "void"), self._capture(0, self._amount // 2)
        )
        await self._client.until_final(self.id)

    async def regret(self) -> None:
        """Paid, then refunded by several at once, together more than was paid."""
        await self._create(payment_method="tok_ok")
        if await self._status() != "captured":
            return
        part = self._amount // 3 or 1
        await asyncio.gather(*(self._refund(index, part) for index in range(AT_ONCE)))

    async def hosted(self) -> None:
        """On the PSP's page, as a browser without scripts does it; some never come back."""
        await self._create()
        payment = await self._client.until_final(self.id)
        url = next((each.get("url") for each in payment.get("operations", [])), None)
        if url is None or self._random.random() < 0.2:
            return
        token = self._random.choice(["tok_ok", "tok_ok", "tok_declined"])
        try:
            async with aiohttp.ClientSession() as browser:
                await browser.post(url, data={"token": token}, allow_redirects=False)
        except (TimeoutError, aiohttp.ClientError):
            return  # the page did not answer: the payment stays open, or its webhook comes

    async def insist(self) -> None:
        """The same order several times at once: one payment."""
        body = self._body(payment_method="tok_ok")
        answers = await asyncio.gather(
            *(self._client.post("v1/payments", body, self.id) for _ in range(AT_ONCE))
        )
        assert {answer.body.get("id") for answer in answers} == {self.id}, answers
        self._ledger.payments[self.id] = self._amount
        await self._client.until_final(self.id)

    async def payday(self) -> None:
        """Some of what is available is paid out; there may not be so much."""
        own = f"{self.id}-po"
        body = {"amount": self._amount, "currency": self._currency, "payout_id": own}
        answer = await self._ask("v1/payouts", body, own)
        if answer.accepted:
            self._ledger.payouts[own] = self._amount

    def _body(self, **more: Any) -> dict[str, Any]:
        return {
            "payment_id": self.id,
            "amount": self._amount,
            "currency": self._currency,
            "order_ref": self.id,
            **more,
        }

    async def _create(self, **more: Any) -> Answer:
        answer = await self._ask("v1/payments", self._body(**more), "create")
        if answer.accepted:
            self._ledger.payments[self.id] = self._amount
        return answer

    async def _status(self) -> str:
        return str((await self._client.until_final(self.id)).get("status"))

    async def _capture(self, index: int, amount: int) -> None:
        own = f"{self.id}-c{index}"
        body = {"amount": amount, "currency": self._currency, "capture_id": own}
        answer = await self._ask(f"v1/payments/{self.id}/capture", body, own)
        if answer.accepted:
            self._ledger.captures[self.id][own] = amount

    async def _refund(self, index: int, amount: int) -> None:
        own = f"{self.id}-r{index}"
        body = {"amount": amount, "currency": self._currency, "refund_id": own}
        answer = await self._ask(f"v1/payments/{self.id}/refunds", body, own)
        if answer.accepted:
            self._ledger.refunds[self.id][own] = amount

    async def _ask(self, path: str, body: dict[str, Any], key: str) -> Answer:
        answer = await self._client.post(path, body, f"{self.id}/{key}")
        if not answer.accepted:
            self._ledger.refused[str(answer.body.get("refusal") or answer.body.get("code"))] += 1
        return answer

    def _token(self) -> str:
        return self._random.choices(list(TOKENS), list(TOKENS.values()))[0]
