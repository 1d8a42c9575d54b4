"""`POST /webhooks/{psp}`: what is stored, what is refused and how, and that nothing else is ever said."""

from __future__ import annotations

import asyncio
import gzip
import io
import json
from collections.abc import AsyncIterator, Sequence
from hashlib import sha256
from typing import Any

import pytest

from app.contracts.codec import decode
from app.domain.streams import PSP_WEBHOOKS
from app.domain.webhooks import WebhookReceived
from app.errors import ConfigurationError, Transient
from app.kafka.outgoing import Outgoing
from app.kafka.partitioner import partition_for
from app.settings import webhook_secrets
from tests.support.psp_payments import BEGAN, AdyenPayment, StripePayment
from tests.support.webhooks import (
    ADYEN_SECRET,
    STRIPE_SECRET,
    Delivery,
    adyen_delivery,
    stripe_delivery,
)
from tests.web.conftest import Web
from web import ingress as ingresses
from web.ingress import Ingress, keys_of
from web.webhooks import LARGEST_WEBHOOK_BYTES

PARTITIONS = 4
SECRETS = {"stripe": ("whsec_old", STRIPE_SECRET), "adyen": (ADYEN_SECRET,)}
REFUND = stripe_delivery(StripePayment(1).refund_created(), BEGAN)


class FakeLog:
    """Where webhooks are stored; `failing` stands for a broker that refuses, `silent` for one that waits."""

    def __init__(self) -> None:
        self.records: list[Outgoing] = []
        self.failing = self.silent = False

    async def publish(self, records: Sequence[Outgoing]) -> None:
        if self.silent:
            await asyncio.Event().wait()
        if self.failing:
            raise Transient("no broker")
        self.records += records

    @property
    def received(self) -> list[WebhookReceived]:
        return [decode(PSP_WEBHOOKS, record.value) for record in self.records]


@pytest.fixture
def log() -> FakeLog:
    return FakeLog()


@pytest.fixture
def ingress(log: FakeLog) -> Ingress:
    keys = keys_of(SECRETS)
    return Ingress(keys=keys, publish=log.publish, partitions=PARTITIONS, now=lambda: BEGAN)


async def post(
    web: Web, delivery: Delivery, body: Any = None, path: str | None = None, **headers: str
) -> tuple[int, bytes, Any]:
    """(status, body, headers) of the answer."""
    sent = {"Content-Type": "application/json", **delivery.headers, **headers}
    target = path or f"/webhooks/{delivery.psp}"
    data = delivery.body if body is None else body
    data = io.BytesIO(data) if isinstance(data, bytes) else data
    async with web.client.post(target, data=data, headers=sent) as answer:
        return answer.status, await answer.read(), answer.headers


async def code(web: Web, delivery: Delivery, **more: Any) -> tuple[int, str]:
    status, body, headers = await post(web, delivery, **more)
    assert headers["Content-Type"] == "application/problem+json"
    return status, json.loads(body)["code"]


async def chunks(body: bytes, size: int = 65_536) -> AsyncIterator[bytes]:
    """Sent without a length."""
    for begin in range(0, len(body), size):
        yield body[begin : begin + size]


def of_size(size: int) -> Delivery:
    event = {**StripePayment(2).refund_created(), "padding": ""}
    empty = len(json.dumps(event).encode())
    delivery = stripe_delivery(json.dumps({**event, "padding": "x" * (size - empty)}).encode(), BEGAN)
    assert len(delivery.body) == size
    return delivery


class TestStored:
    async def test_as_it_came_under_its_bodys_hash(self, web: Web, log: FakeLog) -> None:
        status, body, _ = await post(web, REFUND, **{"X-Other": "not kept"})
        assert (status, body) == (200, b"")
        (record,), (received,) = log.records, log.received
        key = sha256(REFUND.body).hexdigest().encode()
        assert (record.topic, record.key) == (PSP_WEBHOOKS, key)
        assert record.partition == partition_for(key, PARTITIONS)
        assert (received.psp, received.raw) == ("stripe", REFUND.body)
        assert received.headers == REFUND.headers
        assert received.received_at.timestamp() == BEGAN

    async def test_each_psp_hears_what_it_wants_to_hear(self, web: Web, log: FakeLog) -> None:
        status, body, headers = await post(web, adyen_delivery(*AdyenPayment(1).six()[:1]))
        assert (status, body) == (200, b"[accepted]")
        assert headers["Content-Type"].startswith("text/plain")
        assert len(log.records) == 1

    async def test_a_delivery_that_comes_again_is_answered_the_same(self, web: Web, log: FakeLog) -> None:
        assert [(await post(web, REFUND))[0] for _ in range(3)] == [200, 200, 200]
        assert len({record.key for record in log.records}) == 1

    async def test_bytes_that_are_no_text(self, web: Web, log: FakeLog) -> None:
        odd = stripe_delivery(b'{"id": "\xff"}', BEGAN)
        assert (await post(web, odd))[0] == 200
        assert log.received[0].raw == odd.body

    async def test_what_cannot_be_parsed_is_stored_all_the_same(self, web: Web, log: FakeLog) -> None:
        assert (await post(web, stripe_delivery(b"no JSON", BEGAN)))[0] == 200
        assert log.received[0].body == "no JSON"

    async def test_up_to_a_mebibyte_whatever_its_characters(self, web: Web, log: FakeLog) -> None:
        for delivery in (of_size(LARGEST_WEBHOOK_BYTES), stripe_delivery(b"\x01" * 1024 * 1024, BEGAN)):
            assert (await post(web, delivery))[0] == 200
            assert (await post(web, delivery, body=chunks(delivery.body)))[0] == 200
        assert max(record.size for record in log.records) < 8 * 1024 * 1024

    async def test_a_compressed_body_is_what_it_holds(self, web: Web, log: FakeLog) -> None:
        packed = gzip.compress(REFUND.body)
        assert (await post(web, REFUND, body=packed, **{"Content-Encoding": "gzip"}))[0] == 200
        assert log.received[0].raw == REFUND.body

    async def test_a_parameter_of_the_media_type_does_no_harm(self, web: Web) -> None:
        assert (await post(web, REFUND, **{"Content-Type": "application/json; charset=utf-8"}))[0] == 200


class TestRefused:
    @pytest.fixture(autouse=True)
    def nothing_is_stored(self, log: FakeLog) -> Any:
        yield
        assert log.records == []

    async def test_an_unknown_psp(self, web: Web) -> None:
        for path in ("/webhooks/paypal", "/webhooks/STRIPE", "/webhooks/door", "/webhooks/%00"):
            assert await code(web, REFUND, path=path) == (404, "not_found")

    async def test_a_psp_without_secrets(self, web: Web) -> None:
        status, _, headers = await post(web, REFUND, path="/webhooks/sandbox")
        assert (status, headers["Retry-After"]) == (503, "60")

    async def test_a_body_over_a_mebibyte_with_and_without_a_length(self, web: Web) -> None:
        large = of_size(LARGEST_WEBHOOK_BYTES + 1)
        assert await code(web, large) == (413, "body_too_large")
        assert await code(web, large, body=chunks(large.body)) == (413, "body_too_large")

    async def test_a_small_body_that_unpacks_to_a_large_one(self, web: Web) -> None:
        packed = gzip.compress(b" " * 50 * 1024 * 1024)
        answer = await code(web, REFUND, body=packed, **{"Content-Encoding": "gzip"})
        assert answer == (413, "body_too_large")

    async def test_a_body_that_is_not_what_its_encoding_says(self, web: Web) -> None:
        assert (await post(web, REFUND, **{"Content-Encoding": "gzip"}))[0] == 400

    @pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", "json", ""])
    async def test_another_media_type(self, web: Web, media_type: str) -> None:
        answer = await code(web, REFUND, **{"Content-Type": media_type})
        assert answer == (415, "unsupported_media_type")

    async def test_signatures_that_do_not_verify_all_look_the_same(self, web: Web) -> None:
        right = REFUND.headers["stripe-signature"]
        wrong = [
            stripe_delivery(REFUND.body, BEGAN, "whsec_of_another"),
            stripe_delivery(REFUND.body, BEGAN - 301),
            stripe_delivery(REFUND.body, BEGAN + 301),
            Delivery("stripe", {}, REFUND.body),
            Delivery("stripe", {"stripe-signature": right.replace("v1", "v0")}, REFUND.body),
            Delivery("stripe", {"stripe-signature": right}, REFUND.body + b" "),
            Delivery("stripe", {"stripe-signature": right}, b""),
        ]
        answers = [await post(web, delivery) for delivery in wrong]
        assert {status for status, _, _ in answers} == {401}
        documents = [json.loads(body) for _, body, _ in answers]
        for document in documents:
            assert document.pop("request_id")
        assert [document for document in documents if document != documents[0]] == []
        assert "detail" not in documents[0]
        names = {frozenset(headers) for _, _, headers in answers}
        assert len(names) == 1

    async def test_other_methods(self, web: Web) -> None:
        for method in ("GET", "PUT", "DELETE", "HEAD"):
            async with web.client.request(method, "/webhooks/stripe") as answer:
                assert (answer.status, answer.headers["Allow"]) == (405, "POST")

    async def test_a_broker_that_refuses(self, web: Web, log: FakeLog) -> None:
        log.failing = True
        status, body, headers = await post(web, REFUND)
        assert (status, headers["Retry-After"]) == (503, "5")
        assert json.loads(body)["code"] == "kafka_unavailable"

    async def test_a_broker_that_is_silent(
        self, web: Web, log: FakeLog, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(ingresses, "STORED_WITHIN_SECONDS", 0.1)
        log.silent = True
        assert await code(web, REFUND) == (503, "kafka_unavailable")


def test_the_real_time_limit_leaves_the_whole_answer_ten_seconds() -> None:
    assert ingresses.STORED_WITHIN_SECONDS <= 8


async def test_what_came_is_counted(web: Web, log: FakeLog, viewer: dict[str, str]) -> None:
    await post(web, REFUND)
    await post(web, REFUND, path="/webhooks/nobody")
    await post(web, stripe_delivery(REFUND.body, BEGAN, "whsec_of_another"))
    log.failing = True
    await post(web, REFUND)
    async with web.client.get("/metrics", headers=viewer) as answer:
        lines = (await answer.text()).splitlines()
    found = {line for line in lines if line.startswith("tallystick_webhooks_total")}
    assert found == {
        'tallystick_webhooks_total{outcome="stored",psp="stripe"} 1.0',
        'tallystick_webhooks_total{outcome="not_found",psp="unknown"} 1.0',
        'tallystick_webhooks_total{outcome="signature_refused",psp="stripe"} 1.0',
        'tallystick_webhooks_total{outcome="kafka_unavailable",psp="stripe"} 1.0',
    }


class TestSecrets:
    def test_are_read_from_the_environment(self) -> None:
        found = webhook_secrets(
            {
                "TALLYSTICK_PSP_STRIPE_WEBHOOK_SECRETS": "whsec_a, whsec_b,",
                "TALLYSTICK_PSP_ADYEN_WEBHOOK_SECRETS": " ",
                "TALLYSTICK_PSP_WEBHOOK_SECRETS": "x",
                "PATH": "/bin",
            }
        )
        assert found == {"stripe": ("whsec_a", "whsec_b")}

    @pytest.mark.parametrize(
        ("psp", "secret", "words"),
        [
            ("paypal", "hush", "there is no PSP 'paypal', only adyen, sandbox, stripe"),
            ("stripe", "hush", "must begin with whsec_"),
            ("adyen", "hush", "must be hexadecimal"),
            ("adyen", "00fF", "must be hexadecimal"),
            ("sandbox", "whsec_hush!", ""),
        ],
    )
    def test_a_wrong_one_names_its_variable_and_not_itself(self, psp: str, secret: str, words: str) -> None:
        with pytest.raises(
            ConfigurationError, match=f"TALLYSTICK_PSP_{psp.upper()}_WEBHOOK_SECRETS"
        ) as raised:
            keys_of({psp: (secret,)})
        assert words in str(raised.value)
        assert secret not in str(raised.value)

    def test_are_in_no_text_of_what_holds_them(self) -> None:
        held = Ingress(keys=keys_of(SECRETS))
        assert STRIPE_SECRET not in repr(held)
        assert repr(bytes.fromhex(ADYEN_SECRET)) not in repr(held)
