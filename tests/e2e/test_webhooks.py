"""Webhooks over HTTP, through Kafka, the door and the lanes: doubled, shuffled, and each fact kept once."""

from __future__ import annotations

import asyncio
import re
import subprocess
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest
from aiohttp import ClientSession

from app.contracts.codec import decode
from app.domain.streams import PSP_WEBHOOKS
from tests.support.commands import CHECKOUT, app_command
from tests.support.live import Live
from tests.support.psp_payments import AMOUNT, DISPUTED, REFUNDED, AdyenPayment, StripePayment, our_ids
from tests.support.webhooks import (
    ADYEN_SECRET,
    STRIPE_SECRET,
    Delivery,
    adyen_delivery,
    encoded,
    stripe_delivery,
)
from web.webhooks import LARGEST_WEBHOOK_BYTES

pytestmark = [pytest.mark.stack, pytest.mark.slow]
PAYMENTS = 6
"""Of each PSP; the first one's webhooks come once and in order, and say what is right."""
AT_ONCE = 8
SEED = 20261120
ROWS = """
SELECT merchant_id, status, dispute_status, amount, captured_amount, refunded_amount, disputed_amount,
       currency, psp, flags
FROM payments
"""
BALANCES = (
    "SELECT account, currency, sum(balance)::bigint AS balance FROM accounts GROUP BY account, currency"
)
POSTED = "SELECT merchant_id, kind, count(*) AS times FROM ledger_transactions GROUP BY merchant_id, kind"
OUTCOMES = """
SELECT topic, sum(records)::int AS records, sum(applied)::int AS applied, sum(dead_letter)::int AS dead
FROM batches GROUP BY topic
"""


@pytest.fixture
async def url(live: Live, tmp_path: Path) -> AsyncIterator[str]:
    """A web process that takes webhooks of both PSPs."""
    secrets = {
        "TALLYSTICK_PSP_STRIPE_WEBHOOK_SECRETS": f"whsec_of_last_year,{STRIPE_SECRET}",
        "TALLYSTICK_PSP_ADYEN_WEBHOOK_SECRETS": ADYEN_SECRET,
    }
    environment = live.environment(TALLYSTICK_WEB_PORT="0", TALLYSTICK_KEY_SECRET="k" * 32, **secrets)
    log = tmp_path / "web.log"
    with log.open("wb") as errors:
        process = await asyncio.create_subprocess_exec(
            *app_command("web"), cwd=CHECKOUT, env=environment, stdout=subprocess.PIPE, stderr=errors
        )
        try:
            assert process.stdout is not None
            line = (await asyncio.wait_for(process.stdout.readline(), 60)).decode()
            found = re.fullmatch(r"tallystick web: (http://\S+/)\n", line)
            assert found, log.read_text()
            yield found[1]
        finally:
            process.terminate()
            await process.wait()


def merchant(psp: str, number: int) -> str:
    return f"m-{psp}-{number}"


def told(psp: str, number: int) -> list[Delivery]:
    """The six webhooks of one payment, signed now. Stripe's refund and dispute do not name our ids."""
    ours, now = our_ids(merchant(psp, number), f"pay-{number}"), int(time.time())
    if psp == "stripe":
        return [stripe_delivery(event, now) for event in StripePayment(number, ours).six()]
    return [adyen_delivery(item) for item in AdyenPayment(number, ours).six()]


async def post_all(url: str, deliveries: Sequence[Delivery], at_once: int) -> Counter[tuple[int, bytes]]:
    """What was answered, and how often."""
    answers: Counter[tuple[int, bytes]] = Counter()
    free = asyncio.Semaphore(at_once)
    async with ClientSession() as session:

        async def post(delivery: Delivery) -> None:
            headers = {**delivery.headers, "Content-Type": "application/json"}
            target = f"{url}webhooks/{delivery.psp}"
            async with free, session.post(target, data=delivery.body, headers=headers) as answer:
                answers[answer.status, await answer.read()] += 1

        if at_once == 1:
            for delivery in deliveries:
                await post(delivery)
        else:
            await asyncio.gather(*map(post, deliveries))
    return answers


async def books_of(live: Live) -> dict[str, Any]:
    """Merchant -> its payment, its balances, and how often each kind of transaction was posted."""
    found: dict[str, Any] = {}
    for row in await live.pool.fetch(ROWS):
        found[row["merchant_id"]] = {"payment": dict(row), "balances": {}, "posted": {}}
    for row in await live.pool.fetch(BALANCES):
        account, _, owner = row["account"].partition(":")
        if account.startswith("m_") and row["balance"]:
            found[owner]["balances"][account] = row["balance"]
    for row in await live.pool.fetch(POSTED):
        found[row["merchant_id"]]["posted"][row["kind"]] = row["times"]
    for owner, books in found.items():
        assert books["payment"].pop("merchant_id") == owner
    return found


async def test_doubled_and_shuffled_they_leave_the_books_of_the_orderly_ones(live: Live, url: str) -> None:
    live.configure({})
    psps = ("stripe", "adyen")
    orderly = [delivery for psp in psps for delivery in told(psp, 0)]
    assert await post_all(url, orderly, 1) == {(200, b""): 6, (200, b"[accepted]"): 6}
    await live.rest()
    others = [each for psp in psps for number in range(1, PAYMENTS) for each in told(psp, number)]
    shuffled = others * 2
    Random(SEED).shuffle(shuffled)
    assert sum((await post_all(url, shuffled, AT_ONCE)).values()) == len(shuffled)
    await live.rest()

    books = await books_of(live)
    assert set(books) == {merchant(psp, number) for psp in psps for number in range(PAYMENTS)}
    for psp in psps:
        right = books[merchant(psp, 0)]
        assert right["posted"]["capture"] == right["posted"]["refund"] == 1
        assert (right["payment"]["amount"], right["payment"]["refunded_amount"]) == (AMOUNT, REFUNDED)
        for number in range(1, PAYMENTS):
            assert books[merchant(psp, number)]["payment"] == right["payment"]
            assert books[merchant(psp, number)]["balances"] == right["balances"]
            assert books[merchant(psp, number)]["posted"]["capture"] == 1
            assert books[merchant(psp, number)]["posted"]["refund"] == 1
    assert books[merchant("stripe", 0)]["payment"]["dispute_status"] == "won"
    assert books[merchant("adyen", 0)]["payment"]["dispute_status"] == "lost"
    assert books[merchant("adyen", 0)]["payment"]["disputed_amount"] == DISPUTED

    assert sum(books[merchant("stripe", 0)]["balances"].values()) == AMOUNT - REFUNDED
    assert books[merchant("adyen", 0)]["balances"] == {}  # refunded in part, the rest lost

    outcomes = {row["topic"]: row for row in await live.pool.fetch(OUTCOMES)}
    assert {topic: row["dead"] for topic, row in outcomes.items() if row["dead"]} == {}
    webhooks = outcomes["psp.webhooks"]
    assert webhooks["records"] == webhooks["applied"] == len(orderly) + len(shuffled)
    live.run("verify")


async def test_a_mebibyte_and_what_nobody_can_read_pass_the_log(live: Live, url: str) -> None:
    """The first ends as ignored, the second as a dead letter that says why; both were answered 200."""
    now = int(time.time())
    large = {**StripePayment(1).authorized(), "type": "payment_intent.created", "padding": ""}
    room = LARGEST_WEBHOOK_BYTES - len(encoded(large))
    sent = [stripe_delivery({**large, "padding": '"' * (room // 2)}, now), stripe_delivery(b"{", now)]
    assert len(sent[0].body) >= LARGEST_WEBHOOK_BYTES - 1
    assert await post_all(url, sent, 1) == {(200, b""): 2}
    await live.rest()
    (row,) = await live.pool.fetch("SELECT reason, payload FROM dead_letters WHERE topic = 'psp.webhooks'")
    assert row["reason"].startswith("unreadable: webhook of stripe: ")
    assert decode(PSP_WEBHOOKS, row["payload"]).body == "{"
    ignored = "SELECT sum(ignored)::int FROM batches WHERE topic = 'psp.webhooks'"
    assert await live.pool.fetchval(ignored) == 1
    live.run("verify")
