"""Signatures of all adapters: what is right verifies, and one bit flipped anywhere does not."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from app.psp.adapter import TOLERANCE_SECONDS
from app.psp.registry import adapters
from tests.psp.sample import Sample, adyen_parts, flipped, own_samples
from tests.support.fixtures import SHARED_FIXTURES, shared_fixture
from tests.support.webhooks import Delivery

VECTORS = ("webhooks", "signature_vectors.json")
OWN = list(own_samples().values())


def accepts(psp: str, headers: Mapping[str, str], body: bytes, secrets: list[str], now: float) -> bool:
    """As the web process does it; a secret that is none verifies nothing."""
    adapter = adapters()[psp]
    keys = []
    for secret in secrets:
        try:
            keys.append(adapter.key(secret))
        except ValueError:
            continue
    return adapter.verify(headers, body, keys, now)


def samples() -> list[Sample]:
    """Our own, and the vectors that others published where they are at hand."""
    path = SHARED_FIXTURES.joinpath(*VECTORS)
    return [*OWN, *vectors(json.loads(path.read_bytes()))] if path.exists() else OWN


def vectors(records: list[dict[str, Any]]) -> Iterator[Sample]:
    for number, record in enumerate(records):
        made = None
        if record["scheme"].startswith("adyen"):
            made = _adyen(record)
        elif record["scheme"] == "stripe":
            made = _stripe(record)
        elif record["scheme"].startswith("standard-webhooks"):
            made = _standard(record)
        if made is not None:
            assert record["valid"]
            yield made._replace(name=f"vector {number}")


def _adyen(record: dict[str, Any]) -> Sample:
    item = record["item"]
    more = {**item.get("additionalData", {}), "hmacSignature": record["signature"]}
    wrapped = [{"NotificationRequestItem": {**item, "additionalData": more}}]
    body = json.dumps({"notificationItems": wrapped}, ensure_ascii=False).encode()
    parts = adyen_parts(body)
    sent = Delivery("adyen", {}, body)
    return Sample("", sent, record["secret_hex"], 0.0, **parts, timestamps=(), others_secret="00" * 32)


def _stripe(record: dict[str, Any]) -> Sample:
    body, header, at = record["body"].encode(), record["header"], record["timestamp"]
    signature = header.partition("v1=")[2].partition(",")[0]
    sent = Delivery("stripe", {"stripe-signature": header}, body)
    return Sample("", sent, record["secret"], at, (body,), (signature,), (str(at),), "whsec_another")


def _standard(record: dict[str, Any]) -> Sample:
    body, at = record["body"].encode(), record["timestamp"]
    headers = {
        "webhook-id": record["webhook_id"],
        "webhook-timestamp": str(at),
        "webhook-signature": record["signature"],
    }
    signed = (body, record["webhook_id"].encode())
    signature = record["signature"].removeprefix("v1,")
    sent = Delivery("sandbox", headers, body)
    return Sample("", sent, record["secret"], at, signed, (signature,), (str(at),), "whsec_" + "QUJD" * 8)


def test_every_adapter_has_a_sample() -> None:
    assert set(own_samples()) == set(adapters())


def test_the_published_vectors_are_all_used() -> None:
    records = json.loads(shared_fixture(*VECTORS).read_bytes())
    assert [sample.delivery.psp for sample in vectors(records)] == [
        *["adyen"] * 3,
        "sandbox",
        *["stripe"] * 3,
    ]


@pytest.mark.parametrize("sample", samples(), ids=str)
class TestSamples:
    def test_it_verifies(self, sample: Sample) -> None:
        psp, headers, body = sample.delivery
        assert accepts(psp, headers, body, [sample.secret], sample.now)

    def test_with_any_of_several_live_secrets(self, sample: Sample) -> None:
        psp, headers, body = sample.delivery
        for secrets in ([sample.others_secret, sample.secret], [sample.secret, sample.others_secret]):
            assert accepts(psp, headers, body, secrets, sample.now)
        assert not accepts(psp, headers, body, [sample.others_secret], sample.now)
        assert not accepts(psp, headers, body, [], sample.now)

    def test_one_bit_flipped_anywhere_is_refused(self, sample: Sample) -> None:
        psp = sample.delivery.psp
        count = 0
        for what, headers, body, secret in flipped(sample):
            assert not accepts(psp, headers, body, [secret], sample.now), (what, headers, body, secret)
            count += 1
        bits = 8 * (sum(map(len, sample.signed)) + sum(map(len, sample.signatures)) + len(sample.secret))
        assert count >= bits

    def test_outside_of_the_time_tolerance_it_is_refused(self, sample: Sample) -> None:
        psp, headers, body = sample.delivery
        for seconds in (-TOLERANCE_SECONDS, TOLERANCE_SECONDS):
            assert accepts(psp, headers, body, [sample.secret], sample.now + seconds)
        for seconds in (-TOLERANCE_SECONDS - 1, TOLERANCE_SECONDS + 1):
            late = accepts(psp, headers, body, [sample.secret], sample.now + seconds)
            assert late == (not sample.timestamps)  # a scheme without time stamps knows no late

    def test_a_cut_or_longer_body_is_refused(self, sample: Sample) -> None:
        psp, headers, body = sample.delivery
        for other in (b"", body[:-1], body[1:], body + body):
            assert not accepts(psp, headers, other, [sample.secret], sample.now)

    def test_without_its_headers_it_is_refused(self, sample: Sample) -> None:
        psp, headers, body = sample.delivery
        for name in headers:
            left = {other: value for other, value in headers.items() if other != name}
            assert not accepts(psp, left, body, [sample.secret], sample.now)
