"""Explanations of every lane as people see them: both sides, differences, words and the time line."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from app.domain.streams import MATCHING_COMMANDS, PAYMENTS_COMMANDS
from tests.web import rows
from tests.web.conftest import Web

EXPECTATION = {
    "type": "expectation.announced",
    "id": "pc.0.1.1",
    "psp": "stripe",
    "kind": "capture",
    "merchant_id": "m-1",
    "payment_id": "pay-1",
    "object_id": "pay-1",
    "identities": ["pi_1", "o-1"],
    "gross": 12345,
    "currency": "EUR",
    "expected_fee": 388,
    "occurred_at": "2026-11-20T09:00:00Z",
}
LINE = {
    "id": "acquirer-a/L1",
    "source": "acquirer-a",
    "psp": "stripe",
    "batch_id": "B1",
    "line_id": "L1",
    "kind": "capture",
    "psp_payment_id": "pi_1",
    "merchant_ref": None,
    "currency": "EUR",
    "gross": 12000,
    "fee": 388,
    "tax": 0,
    "reserve": 0,
    "settle_currency": "EUR",
    "rate": None,
    "net": 11612,
    "booked_on": "2026-11-21",
}
PAIR = {
    "rule": "A1",
    "rule_version": 1,
    "configuration_version": 7,
    "identity": {"psp": "stripe", "identity": "pi_1", "kind": "capture"},
    "inputs": {"expectation": EXPECTATION, "lines": [LINE], "parts": [LINE["id"]], "duplicates": []},
    "differences": {"gross": {"expected": 12345, "actual": 12000, "difference": -345, "tolerance": 0}},
    "reasons": ["settled 345 minor units less than expected, tolerance 0"],
    "severity_reasons": ["everything else"],
    "rejected": [{"line_id": "L9", "gross": 12340, "reasons": ["another currency", "too late"]}],
}


async def evidence(web: Web, headers: dict[str, str], explanation: Any, **changed: Any) -> Any:
    await rows.mismatch(web.pool, "a", explanation=json.dumps(explanation), **changed)
    status, answer = await web.get("/v1/mismatches/a", headers)
    assert status == 200, answer
    return answer["evidence"]


def fields(side: Any) -> dict[str, Any]:
    return {field["name"]: field["value"] for field in side["fields"]}


def marked(side: Any) -> list[str]:
    return [field["name"] for field in side["fields"] if field["differs"]]


async def test_a_pair_shows_both_sides_with_the_differing_field_marked(
    web: Web, viewer: dict[str, str]
) -> None:
    found = await evidence(web, viewer, PAIR)
    expected, actual = found["sides"]
    assert (expected["role"], actual["role"]) == ("expected", "actual")
    assert fields(expected)["gross"] == 12345
    assert fields(actual)["gross"] == 12000
    assert marked(expected) == marked(actual) == ["gross"]
    assert fields(expected)["fee"] == fields(actual)["fee"] == 388  # expected_fee and fee are the same field
    assert found["summary"] == "120.00 EUR came instead of 123.45 EUR: 3.45 EUR too little."
    assert found["rule"].startswith("A1, version 1, configuration 7: the same identity")
    assert found["differences"] == [
        {
            "field": "gross",
            "expected": 12345,
            "actual": 12000,
            "difference": -345,
            "tolerance": 0,
            "currency": "EUR",
        }
    ]
    assert found["rejected"] == [
        {"record": {"line_id": "L9", "gross": 12340}, "reasons": ["another currency", "too late"]}
    ]


async def test_the_time_line_has_the_facts_own_dates_and_what_was_posted(
    web: Web, viewer: dict[str, str]
) -> None:
    await rows.merchant(web.pool, "m-1")
    await rows.capture_posted(web.pool, 1, "m-1", "pay-1")
    await rows.capture_posted(web.pool, 2, "m-1", "pay-2")
    found = await evidence(web, viewer, PAIR)
    steps = [(step["kind"], step["at"]) for step in found["timeline"]]
    assert steps == [
        ("fact", "2026-11-20T09:00:00Z"),
        ("mismatch", "2026-11-20T12:00:00Z"),
        ("ledger", "2026-11-20T12:00:01Z"),
        ("fact", "2026-11-21T00:00:00Z"),
        ("mismatch", "2026-11-25T12:00:00Z"),
    ]
    assert "0.14 s" in found["timeline"][1]["text"]
    assert found["timeline"][2]["text"] == "Posted capture of 100.00 EUR"
    assert [step["is_day"] for step in found["timeline"]] == [False, False, False, True, False]


async def test_what_a_line_posted_is_there_before_its_payment_is_known(
    web: Web, viewer: dict[str, str]
) -> None:
    posted = await rows.capture_posted(web.pool, 3, "m-9", "pay-9")
    state = {"lines": [{"record": LINE, "postings": [[posted, [["unapplied", "EUR", -12000]]]]}]}
    await web.pool.execute(
        """INSERT INTO items (psp, identity, kind, lines, lines_gross, state, version)
           VALUES ('stripe', 'pi_1', 'capture', 1, 12000, $1, 1)""",
        json.dumps(state),
    )
    alone = {**PAIR, "inputs": {"expectation": None, "lines": [LINE]}, "differences": {}}
    found = await evidence(
        web,
        viewer,
        alone,
        category="MISSING_PAYMENT",
        payment_id=None,
        merchant_id=None,
        expected_amount=None,
    )
    assert [step["text"] for step in found["timeline"] if step["kind"] == "ledger"] == [
        "Posted capture of 100.00 EUR"
    ]
    assert [(side["role"], side["title"], len(side["fields"]) > 0) for side in found["sides"]] == [
        ("expected", "Nothing was expected", False),
        ("actual", "Settlement line", True),
    ]
    assert found["summary"] == "120.00 EUR came, and nobody announced a payment for it."


async def test_what_became_of_it_has_the_time_of_its_commit(web: Web, viewer: dict[str, str]) -> None:
    await rows.positions(web.pool, partitions=1)
    await web.pool.execute(
        """INSERT INTO batches VALUES ($1, 0, 0, 9, 10, 10, 0, 0, 0, 0, 0, 0, $2)""",
        MATCHING_COMMANDS,
        rows.NOON + timedelta(minutes=5),
    )
    found = await evidence(
        web, viewer, {**PAIR, "resolution": "a late line came"}, status="auto_resolved", state='{"seq": 2}'
    )
    own = [(step["at"], step["text"]) for step in found["timeline"] if step["kind"] == "mismatch"]
    assert own[1] == ("2026-11-20T12:05:00Z", "Auto resolved: a late line came")


async def test_several_lines_stand_beside_each_other_and_repeats_are_named(
    web: Web, viewer: dict[str, str]
) -> None:
    again = {**LINE, "id": "acquirer-a/L2", "line_id": "L2"}
    inputs = {"expectation": EXPECTATION, "lines": [LINE, again], "duplicates": [again["id"]]}
    found = await evidence(web, viewer, {**PAIR, "inputs": inputs}, category="DUPLICATE_SETTLEMENT")
    assert [side["title"] for side in found["sides"]] == [
        "Expected",
        "Settlement line L1",
        "Settlement line L2, again",
    ]


OWN_BOOKS: list[tuple[Any, dict[str, Any], list[Any]]] = [
    (
        {
            "rule": "the PSP's figure is the money",
            "ours": {"amount": 1, "currency": "EUR"},
            "psps": {"amount": 2, "currency": "EUR"},
        },
        {},
        [
            ("Our record", {"gross": 1, "currency": "EUR"}),
            ("The PSP’s record", {"gross": 2, "currency": "EUR"}),
        ],
    ),
    (
        {"rule": "one payment, one currency", "payment": "EUR", "totals": {"EUR": 5, "USD": 7}},
        {"category": "CURRENCY_MISMATCH", "expected_amount": None},
        [
            ("The payment", {"currency": "EUR"}),
            ("Facts in EUR", {"gross": 5, "currency": "EUR"}),
            ("Facts in USD", {"gross": 7, "currency": "USD"}),
        ],
    ),
    (
        {
            "rule": "a fact waits",
            "waited_for": "payment/p",
            "records": [{"offset": 3, "record": '{"type":"refund.record","amount":5}'}],
        },
        {"category": "MISSING_PAYMENT", "expected_amount": None},
        [("Nothing was expected", {}), ("refund.record", {"gross": 5})],
    ),
    (
        {"rule": "refunded + disputed <= captured"},
        {"category": "REFUND_EXCEEDS_CAPTURE"},
        [("Expected", {"gross": 12345}), ("Actual", {"gross": 12000})],
    ),
]


@pytest.mark.parametrize(("explanation", "changed", "wanted"), OWN_BOOKS)
async def test_the_merchant_lanes_explanations(
    web: Web, viewer: dict[str, str], explanation: Any, changed: dict[str, Any], wanted: list[Any]
) -> None:
    found = await evidence(
        web, viewer, explanation, leg="M", owner_topic=PAYMENTS_COMMANDS, owner_key="m-1", **changed
    )
    assert [(side["title"], fields(side)) for side in found["sides"]] == wanted
    assert found["rule"] == explanation["rule"]


ODD: list[Any] = [
    {},
    {"inputs": 7, "differences": [], "reasons": 3, "rejected": "x", "records": [1, {"record": "{"}]},
    {
        "inputs": {"lines": [1, None, "x"], "expectation": []},
        "differences": {"gross": 5, "x": {"expected": "a"}},
    },
    {"identity": {"psp": 1}, "rejected": [7, {"reasons": [1, 2]}], "rule": None, "totals": [], "ours": 3},
    {
        "inputs": {"expectation": {"occurred_at": "soon", "gross": "1", "currency": 5}},
        "differences": {"a": None},
    },
]


@pytest.mark.parametrize("explanation", ODD)
async def test_what_nobody_foresaw_is_tolerated(web: Web, viewer: dict[str, str], explanation: Any) -> None:
    found = await evidence(web, viewer, explanation)
    assert {side["role"] for side in found["sides"]} == {"expected", "actual"}
    async with web.client.get("/mismatches/a") as page:
        assert page.status == 200


async def test_a_merchant_sees_the_figures_and_no_evidence(web: Web, acme: dict[str, str]) -> None:
    await rows.mismatch(web.pool, "a", explanation=json.dumps(PAIR))
    _, answer = await web.get("/v1/mismatches/a", acme)
    assert answer["difference"] == -345
    assert not {"evidence", "explanation", "owner_key", "owner_topic"} & answer.keys()


async def test_a_late_line_stands_beside_the_day_on_which_it_was_due(
    web: Web, viewer: dict[str, str]
) -> None:
    differences = {"booked_on": {"expected": "2026-11-19", "actual": "2026-11-21"}}
    found = await evidence(web, viewer, {**PAIR, "differences": differences}, category="LATE")
    expected, actual = found["sides"]
    assert (fields(expected)["booked_on"], fields(actual)["booked_on"]) == ("2026-11-19", "2026-11-21")
    assert marked(expected) == marked(actual) == ["booked_on"]
    texts = [step["text"] for step in found["timeline"] if step["kind"] == "fact"]
    assert texts == [
        "Expected: due to be settled",
        "Expected: capture, 123.45 EUR",
        "Settlement line: capture, 120.00 EUR",
    ]
