"""Adyen: its signature scheme, its currencies, and which of its events say what about a payment.

Standard webhooks sign each item: base64(HMAC-SHA256(hex key, fields joined by colons)), in the item's own
`additionalData.hmacSignature`; every item must verify. Nothing else of the item is signed, no time stamp
either: a replay is told by its content. Other webhooks (`type`) sign the raw body: header `HmacSignature`
(docs.adyen.com/development-resources/webhooks/secure-webhooks/verify-hmac-signatures).

A capture goes under the payment's own reference. Adyen sends no CAPTURE for a payment that is captured with
its authorisation. The AUTHORISATION itself tells: `operations` without CAPTURE (methods that know no separate
capture), or `captureDelayHours` 0 in its `additionalData`. So where an account captures immediately, the
webhook's additional setting "Include Capture Delay Hours" has to be on.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from app.domain.psp_facts import PspFact
from app.psp.adapter import Adapter, EventIgnored, Headers, Parsed, Reply, Unreadable, why_ignored
from app.psp.adyen_calls import connect
from app.psp.adyen_events import IGNORED, IGNORED_IF_REFUSED, READERS
from app.psp.adyen_items import NAME, TRUE, Item, Notification, SignedItem, raw_items
from app.psp.adyen_transfers import TYPES as TRANSFERS
from app.psp.adyen_transfers import read_transfer
from app.psp.reading import decode
from app.psp.signatures import any_equal, sha256_base64

HEADER: Final = "hmacsignature"
TERMINAL: Final = "SaleToPOIRequest"
ONE_CASE_HEX: Final = re.compile(r"([0-9A-F]{2})+|([0-9a-f]{2})+")


def key(secret: str) -> bytes:
    if not ONE_CASE_HEX.fullmatch(secret):
        raise ValueError("the secret must be hexadecimal, as Adyen shows it")
    return bytes.fromhex(secret)


def verify(headers: Headers, body: bytes, keys: Sequence[bytes], now: float) -> bool:
    try:
        items = [decode(raw, SignedItem) for raw in raw_items(body)]
    except Unreadable:
        return False
    if not items:
        return any_equal([headers.get(HEADER, "")], [sha256_base64(each, body) for each in keys])
    return all(_is_signed(item, keys) for item in items)


def _is_signed(item: SignedItem, keys: Sequence[bytes]) -> bool:
    signed = item.signed
    if signed is None:
        return False
    return any_equal([item.signature], [sha256_base64(each, signed) for each in keys])


def parse(headers: Headers, body: bytes) -> Parsed:
    items = [decode(raw, Item, f"$.notificationItems[{n}]") for n, raw in enumerate(raw_items(body))]
    if not items:
        return _of_another_kind(body)
    found: list[tuple[str, PspFact]] = []
    ignored = []
    for item in items:
        try:
            found += [(item.event_id, fact) for fact in _facts(item)]
        except EventIgnored as event:
            ignored.append(str(event))
    if not found:
        raise EventIgnored("; ".join(ignored))
    return found


def _facts(item: Item) -> list[PspFact]:
    reason = why_ignored(IGNORED, item.event_code)
    if reason is None and item.success != TRUE:
        reason = IGNORED_IF_REFUSED.get(item.event_code)
    if reason is not None:
        raise EventIgnored(f"{item.event_code} {item.psp_reference}: {reason}")
    read = READERS.get(item.event_code)
    if read is None:
        raise Unreadable(f"eventCode: {item.event_code!r} of {item.psp_reference} is not known")
    return read(item)


def _of_another_kind(body: bytes) -> Parsed:
    delivery = decode(body, Notification)
    kind = TERMINAL if delivery.SaleToPOIRequest is not None else delivery.type
    if kind is None:
        raise Unreadable("notificationItems: missing, and no `type` says what this is")
    if kind in TRANSFERS:
        return read_transfer(body)
    reason = why_ignored(IGNORED, kind)
    raise EventIgnored(f"{kind}: {reason}") if reason else Unreadable(f"type: {kind!r} is not known")


ADAPTER: Final = Adapter(
    name=NAME,
    headers=(HEADER,),
    key=key,
    verify=verify,
    parse=parse,
    reply=Reply(b"[accepted]"),
    ignored=IGNORED,
    connect=connect,
    keys_kept=timedelta(days=7),
)
