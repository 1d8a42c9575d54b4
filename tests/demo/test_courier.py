"""The demo's PSP: its signatures are those that the adapters believe, and it insists until it is answered."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from app.demo import courier
from app.demo.courier import Courier, NotAccepted
from app.demo.market import PSPS
from app.demo.signing import headers, new_secret
from app.demo.stream import Webhook
from app.psp.registry import adapters

POSTING = [psp.name for psp in PSPS.values() if psp.posts]


def webhook(psp: str = "stripe", event_id: str = "evt_1", forged: bool = False) -> Webhook:
    return Webhook(0.0, psp, event_id, b'{"id":"evt_1"}', forged)


class Ingress:
    """Answers with what it is told to, then with 200; a wrong signature gets 401."""

    def __init__(self, *answers: int) -> None:
        self.secrets = {psp: new_secret() for psp in POSTING}
        self.seen: Counter[str] = Counter()
        self._answers = list(answers)

    async def receive(self, request: web.Request) -> web.Response:
        psp, body = request.match_info["psp"], await request.read()
        adapter = adapters()[psp]
        sent = {name: request.headers[name] for name in adapter.headers if name in request.headers}
        right = adapter.verify(sent, body, [adapter.key(self.secrets[psp])], time.time())
        status = self._answers.pop(0) if self._answers else 200 if right else 401
        self.seen[f"{psp} {status}"] += 1
        return web.Response(status=status, text="answer")


@asynccontextmanager
async def serving(ingress: Ingress, port: int | None = None) -> AsyncIterator[str]:
    """Its URL."""
    application = web.Application()
    application.router.add_post("/webhooks/{psp}", ingress.receive)
    async with TestServer(application, host="127.0.0.1", port=port) as server:
        yield str(server.make_url("/"))


async def deliver(ingress: Ingress, *webhooks: Webhook) -> Courier:
    async with serving(ingress) as url, Courier(url, ingress.secrets) as sender:
        for each in webhooks:
            sender.take(each)
        await sender.drained()
    return sender


@pytest.mark.parametrize("psp", POSTING)
def test_the_adapters_believe_the_demos_signatures(psp: str) -> None:
    adapter, secret, now = adapters()[psp], new_secret(), 1_790_000_000
    sent = {name.lower(): value for name, value in headers(webhook(psp), secret, now).items()}
    assert set(sent) == set(adapter.headers)
    assert adapter.verify(sent, webhook(psp).body, [adapter.key(secret)], now)
    assert not adapter.verify(sent, webhook(psp).body, [adapter.key(new_secret())], now)


async def test_each_is_delivered_once_and_forged_ones_are_refused() -> None:
    ingress = Ingress()
    right = [webhook(psp, f"evt_{number}") for psp in POSTING for number in range(20)]
    sender = await deliver(ingress, *right, *(webhook(psp, forged=True) for psp in POSTING))
    assert (sender.delivered, sender.refused) == (len(right), len(POSTING))
    assert ingress.seen == {f"{psp} {status}": n for psp in POSTING for status, n in ((200, 20), (401, 1))}


async def test_what_is_not_stored_is_delivered_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(courier, "RETRY_SECONDS", 0.0)
    ingress = Ingress(503, 503, 500)
    assert (await deliver(ingress, webhook())).delivered == 1
    assert ingress.seen == {"stripe 503": 2, "stripe 500": 1, "stripe 200": 1}


@pytest.mark.parametrize(("answer", "forged"), [(401, False), (404, False), (415, False), (200, True)])
async def test_an_answer_that_no_psp_expects_ends_the_demo(answer: int, forged: bool) -> None:
    with pytest.raises(NotAccepted, match=f"/webhooks/stripe answered {answer}"):
        await deliver(Ingress(answer), webhook(forged=forged))


async def test_what_was_not_accepted_is_known_with_the_next_webhook() -> None:
    ingress = Ingress(404)
    async with serving(ingress) as url, Courier(url, ingress.secrets) as sender:
        sender.take(webhook())
        with pytest.raises(NotAccepted):
            await sender.drained()
        with pytest.raises(NotAccepted):
            sender.take(webhook())


async def test_a_server_that_is_not_there_is_tried_again(
    monkeypatch: pytest.MonkeyPatch, unused_tcp_port: int
) -> None:
    monkeypatch.setattr(courier, "RETRY_SECONDS", 0.0)
    ingress = Ingress()
    async with Courier(f"http://127.0.0.1:{unused_tcp_port}/", ingress.secrets) as sender:
        sender.take(webhook())
        async with serving(ingress, unused_tcp_port):
            await sender.drained()
    assert sender.delivered == 1
