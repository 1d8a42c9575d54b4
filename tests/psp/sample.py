"""What the shared suite of adapters has to know of one signed request, and the ways to damage it."""

from __future__ import annotations

import importlib
import json
import pkgutil
from collections.abc import Iterator
from typing import Any, NamedTuple

import tests.psp.samples
from tests.support.webhooks import Delivery

SIGNED_BY_ADYEN = (
    "pspReference", "originalReference", "merchantAccountCode", "merchantReference", "eventCode", "success",
)  # fmt: skip


class Sample(NamedTuple):
    """A request that verifies at `now`. The parts are texts that stand in the body or in a header."""

    name: str
    delivery: Delivery
    secret: str
    now: float
    signed: tuple[bytes, ...]
    signatures: tuple[str, ...]
    timestamps: tuple[str, ...]
    others_secret: str
    """A well-formed secret of somebody else."""

    def __str__(self) -> str:
        return f"{self.delivery.psp}: {self.name}"


class Damaged(NamedTuple):
    what: str
    headers: dict[str, str]
    body: bytes
    secret: str


def own_samples() -> dict[str, Sample]:
    """Adapter -> its sample: every file in `samples/`."""
    names = [module.name for module in pkgutil.iter_modules(tests.psp.samples.__path__)]
    return {name: importlib.import_module(f"tests.psp.samples.{name}").SAMPLE for name in names}


def adyen_parts(body: bytes) -> dict[str, Any]:
    """`signed` and `signatures` of a body with notification items."""
    items = [each["NotificationRequestItem"] for each in json.loads(body)["notificationItems"]]
    signed: list[bytes] = []
    for item in items:
        signed += [_pair(name, item[name]) for name in SIGNED_BY_ADYEN if item.get(name)]
        signed += [_pair("value", item["amount"]["value"]), _pair("currency", item["amount"]["currency"])]
    return {
        "signed": tuple(dict.fromkeys(signed)),
        "signatures": tuple(item["additionalData"]["hmacSignature"] for item in items),
    }


def _pair(name: str, value: Any) -> bytes:
    return f"{json.dumps(name)}: {json.dumps(value, ensure_ascii=False)}".encode()


def flipped(sample: Sample) -> Iterator[Damaged]:
    """The sample with one bit flipped: every bit of what is signed, of signatures, time stamps and secret."""
    for part in (*sample.signed, *map(str.encode, (*sample.signatures, *sample.timestamps))):
        yield from _flipped_part(sample, part)
    for changed in flips(sample.secret.encode()):
        yield Damaged("secret", sample.delivery.headers, sample.delivery.body, _text(changed))


def _flipped_part(sample: Sample, part: bytes) -> Iterator[Damaged]:
    _, headers, body = sample.delivery
    places = [name for name, value in headers.items() if part in value.encode()]
    assert part in body or places, part
    for changed in flips(part):
        if part in body:
            yield Damaged(f"body {part[:30]!r}", headers, body.replace(part, changed, 1), sample.secret)
        for name in places:
            other = {**headers, name: _text(headers[name].encode().replace(part, changed, 1))}
            yield Damaged(f"{name} {part[:30]!r}", other, body, sample.secret)


def flips(data: bytes) -> Iterator[bytes]:
    """All the texts that differ from `data` in one bit."""
    for position in range(len(data) * 8):
        changed = bytearray(data)
        changed[position // 8] ^= 1 << position % 8
        yield bytes(changed)


def _text(raw: bytes) -> str:
    """As the web server gives header values and the environment its variables."""
    return raw.decode("utf-8", "surrogateescape")
