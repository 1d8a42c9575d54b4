"""Ten and more wrong inputs per endpoint: each is refused in a problem document that names the parameter."""

from __future__ import annotations

from base64 import urlsafe_b64encode

import pytest

from tests.web import rows
from tests.web.conftest import Web
from web.cursors import TransactionKey, write_cursor
from web.mismatch_orders import AmountKey, NewestKey, OldestKey

LONG = "x" * 201


def forged(raw: bytes) -> tuple[str, str]:
    """A cursor with this content."""
    return f"cursor={urlsafe_b64encode(raw).decode().rstrip('=')}", "cursor"


POSITIONS = [
    ("min_position=", "min_position"),
    ("min_position=payments.commands", "min_position"),
    ("min_position=payments.commands:0", "min_position"),
    ("min_position=payments.commands:0:-1", "min_position"),
    ("min_position=payments.commands:0:1.5", "min_position"),
    ("min_position=payments.commands:x:1", "min_position"),
    ("min_position=payments.commands:0:9223372036854775808", "min_position"),
    ("min_position=payments.commands:123456:1", "min_position"),
    ("min_position=payments.commands:0:%D9%A3", "min_position"),
    ("min_position=payments.commands:0:1%00", "min_position"),
    ("min_position=payments.events:0:1", "min_position"),
    ("min_position=Payments.Commands:0:1", "min_position"),
    (f"min_position={'x' * 301}", "min_position"),
    ("min_position=payments.commands:0:1&min_position=payments.commands:0:2", "min_position"),
]
LISTS = [
    ("limit=0", "limit"),
    ("limit=-1", "limit"),
    ("limit=501", "limit"),
    ("limit=abc", "limit"),
    ("limit=1.5", "limit"),
    ("limit=", "limit"),
    ("limit=1&limit=2", "limit"),
    ("limit=99999999999999999999", "limit"),
    ("cursor=", "cursor"),
    ("cursor=abc", "cursor"),
    ("cursor=%00", "cursor"),
    ("cursor=%C3%BC", "cursor"),
    ("cursor=!!!!", "cursor"),
    (f"cursor={'A' * 1001}", "cursor"),
    forged(b"[]"),
    forged(b"null"),
    forged(b"{}"),
    ("merchant_id=", "merchant_id"),
    ("merchant_id=%00", "merchant_id"),
    (f"merchant_id={LONG}", "merchant_id"),
    ("since=yesterday", "since"),
    ("since=2026-11-20", "since"),
    ("since=2026-11-20T10:00:00", "since"),
    ("before=2026-02-30T10:00:00Z", "before"),
    ("color=red", "color"),
    ("Limit=1", "Limit"),
]
MISMATCHES = [
    ("category=AMOUNT", "category"),
    ("category=amount_under", "category"),
    ("category=", "category"),
    ("category=LATE,", "category"),
    ("category=LATE,late", "category"),
    ("category=LATE&category=SOON", "category"),
    ("leg=D", "leg"),
    ("sort=amounts", "sort"),
    ("sort=", "sort"),
    ("sort=severity&sort=amount", "sort"),
    ("counts=perhaps", "counts"),
    ("currency=eur", "currency"),
    ("currency=EURO", "currency"),
    ("currency=EUR%0A", "currency"),
    ("amount_from=-1", "amount_from"),
    ("amount_from=12.50", "amount_from"),
    ("amount_to=1,000", "amount_to"),
    ("amount_to=9223372036854775808", "amount_to"),
    ("min_age_hours=-1", "min_age_hours"),
    ("max_age_hours=1000000", "max_age_hours"),
    ("q=", "q"),
    ("q=a%00", "q"),
    (f"q={LONG}", "q"),
    ("batch_id=", "batch_id"),
    (f"sort=detected_at&cursor={write_cursor(NewestKey(rows.NOON, 'a'))}", "cursor"),
    (f"cursor={write_cursor(OldestKey(rows.NOON, 'a'))}", "cursor"),
    (f"sort=amount&cursor={write_cursor(AmountKey(-1, rows.NOON, 'a'))}", "cursor"),
    (f"sort=due_at&cursor={write_cursor(AmountKey(1, rows.NOON, 'a'))}", "cursor"),
    ("severity=URGENT", "severity"),
    ("status=closed", "status"),
    ("open=maybe", "open"),
    ("open=true&status=open", "open"),
    (f"cursor={write_cursor(TransactionKey(7))}", "cursor"),
    forged(b'["mismatches","2026-11-20T12:00:00","a"]'),
    forged(b'["mismatches","2026-11-20T12:00:00Z","a\\u0000"]'),
    forged(b'["mismatches","2026-11-20T12:00:00Z",7]'),
]
LEDGER = [
    ("kind=%0A", "kind"),
    ("category=LATE", "category"),
    (f"cursor={write_cursor(NewestKey(rows.NOON, 'a'))}", "cursor"),
    forged(b'["ledger",-1]'),
    forged(b'["ledger",9223372036854775808]'),
    forged(b'["ledger",1,2]'),
    forged(b'["ledger","1"]'),
]
ONE = [
    ("merchant=m-1", "merchant"),
    ("limit=1", "limit"),
    ("=", ""),
    ("a[]=1", "a[]"),
    ("min_position=x&min_position=y", "min_position"),
]
PAYMENT = [
    ("merchant_id=", "merchant_id"),
    (f"merchant_id={LONG}", "merchant_id"),
    ("merchant_id=a%00b", "merchant_id"),
    ("merchant_id=m-1&merchant_id=m-2", "merchant_id"),
    ("merchant_id=a%1Fb", "merchant_id"),
]

CASES = {
    "/v1/status": [
        (f"{name}={value}", name) for name in ("a", "limit", "topic", "x y") for value in ("", "1", "%00")
    ],
    "/v1/payments/pay-1": POSITIONS + PAYMENT + ONE,
    "/v1/merchants/m-1/balance": POSITIONS + ONE + [("merchant_id=m-1", "merchant_id")],
    "/v1/ledger/transactions": POSITIONS + LISTS + LEDGER,
    "/v1/mismatches": POSITIONS + LISTS + MISMATCHES,
    "/v1/mismatches/a": POSITIONS + ONE,
}


@pytest.mark.parametrize("path", sorted(CASES))
async def test_each_is_refused_and_named(web: Web, viewer: dict[str, str], path: str) -> None:
    assert len(CASES[path]) >= 10
    for query, parameter in CASES[path]:
        status, problem = await web.get(f"{path}?{query}", viewer)
        assert (status, problem["code"]) == (422, "invalid_parameter"), (path, query, problem)
        assert [error["parameter"] for error in problem["errors"]] == [parameter], (path, query, problem)
        assert problem["errors"][0]["message"], query


@pytest.mark.parametrize(
    "pattern", ["/v1/payments/{}", "/v1/merchants/{}/balance", "/v1/mismatches/{}", "/mismatches/{}"]
)
async def test_ids_that_cannot_be_are_refused_or_not_found(
    web: Web, viewer: dict[str, str], pattern: str
) -> None:
    wrong = ["%00", "a%00b", "%0A", "%7F", LONG]
    for value in wrong:
        status, problem = await web.get(pattern.format(value), viewer)
        assert (status, problem["code"]) == (422, "invalid_parameter"), value
    missing = [
        "nobody",
        "..%2F..%2Fetc%2Fpasswd",
        "'%20OR%201=1--",
        "%25s",
        "%ED%A0%80",
        "%FF",
        "💶",
        "a%20b",
        "{id}",
    ]
    for value in missing:
        status, problem = await web.get(pattern.format(value), viewer)
        assert (status, problem["code"]) == (404, "not_found"), value


@pytest.mark.parametrize("query", ["a=1", "a=1&a=2", "=", "%00=%00"])
async def test_open_endpoints_refuse_unknown_parameters_too(web: Web, query: str) -> None:
    for path in ("/healthz", "/readyz"):
        assert (await web.get(f"{path}?{query}"))[0] == 422
